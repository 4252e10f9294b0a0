/** The file's address, relative to the built modules. */
declare const address: string;
export default address;
