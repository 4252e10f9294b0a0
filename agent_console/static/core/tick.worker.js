// Beats once a second. In a worker, for browsers slow the timers of a page that nobody looks at to one a minute.
setInterval(() => postMessage(0), 1000);
