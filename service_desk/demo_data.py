"""The demo company's words: its catalogue, its customers' names, what they call about.

An invented dealer of office and network equipment with service plans. Telephone numbers come from
ranges set aside for fiction, or from exchanges that lead nowhere.
"""

# ruff: noqa: E501 - one line a thing reads as the table it is
from __future__ import annotations

from typing import NamedTuple

COMPANY = "Birke & Lan Office Networks"


class Item(NamedTuple):
    """A product; the price in cents."""

    sku: str
    category: str
    price: int
    name_en: str
    name_zh: str
    pitch_en: str
    pitch_zh: str


CATALOGUE: tuple[Item, ...] = (
    Item("RT-100", "router", 18900, "Office router R100", "办公路由器 R100", "Ten people, one box.", "十人办公，一台搞定。"),
    Item("RT-300", "router", 42900, "Office router R300", "办公路由器 R300", "Two lines, no outage.", "双线路，不断网。"),
    Item("RT-900", "router", 129900, "Edge router R900", "边缘路由器 R900", "For several floors.", "适合多楼层办公。"),
    Item("SW-08", "switch", 9900, "8-port switch", "8 口交换机", "Silent, on any desk.", "静音，可放桌面。"),
    Item("SW-24", "switch", 32900, "24-port switch", "24 口交换机", "Room to grow.", "预留扩展空间。"),
    Item("SW-48P", "switch", 89900, "48-port PoE switch", "48 口 PoE 交换机", "Powers phones and cameras.", "为电话和摄像头供电。"),
    Item("AP-IN", "wireless", 14900, "Indoor access point", "室内无线接入点", "Even coverage.", "信号均匀覆盖。"),
    Item("AP-OUT", "wireless", 24900, "Outdoor access point", "室外无线接入点", "Rain or shine.", "风雨无阻。"),
    Item("AP-CTL", "wireless", 59900, "Wireless controller", "无线控制器", "All access points in one view.", "统一管理所有接入点。"),
    Item("FW-20", "security", 49900, "Firewall F20", "防火墙 F20", "Keeps visitors out.", "拒绝不速之客。"),
    Item("FW-80", "security", 149900, "Firewall F80", "防火墙 F80", "For a hundred people.", "适合百人企业。"),
    Item("VPN-10", "security", 19900, "Remote access, 10 seats", "远程接入 10 席", "Work from anywhere.", "随时随地办公。"),
    Item("CAM-IN", "camera", 12900, "Indoor camera", "室内摄像头", "Sees, does not stare.", "看得清，不打扰。"),
    Item("CAM-OUT", "camera", 21900, "Outdoor camera", "室外摄像头", "Night vision to 30 m.", "夜视 30 米。"),
    Item("NVR-8", "camera", 39900, "Video recorder, 8 cameras", "8 路录像机", "A month of video.", "存储一个月录像。"),
    Item("PH-D1", "phone", 8900, "Desk phone D1", "桌面电话 D1", "Clear and simple.", "简单清晰。"),
    Item("PH-D5", "phone", 17900, "Desk phone D5", "桌面电话 D5", "For the front desk.", "前台首选。"),
    Item("PH-CONF", "phone", 46900, "Conference phone", "会议电话", "Everyone is heard.", "人人都听得见。"),
    Item("HS-1", "headset", 6900, "Headset, one ear", "单耳耳机", "Light all day.", "轻便舒适。"),
    Item("HS-2", "headset", 11900, "Headset, noise cancelling", "降噪耳机", "Quiet in the noise.", "嘈杂中的安静。"),
    Item("PR-B1", "printer", 19900, "Laser printer B1", "激光打印机 B1", "Thirty pages a minute.", "每分钟三十页。"),
    Item("PR-C3", "printer", 54900, "Colour printer C3", "彩色打印机 C3", "Print, scan, copy.", "打印、扫描、复印。"),
    Item("PR-A3", "printer", 189900, "A3 multifunction", "A3 多功能一体机", "For the whole floor.", "服务整层楼。"),
    Item("TN-B", "supply", 5900, "Toner, black", "黑色碳粉", "Four thousand pages.", "可打四千页。"),
    Item("TN-C", "supply", 15900, "Toner set, colour", "彩色碳粉套装", "Delivered before it runs out.", "用完之前送达。"),
    Item("PAP-5", "supply", 2900, "Paper, five reams", "打印纸五包", "Jams less.", "不易卡纸。"),
    Item("NAS-2", "storage", 34900, "Storage, 2 disks", "双盘存储", "A copy of everything.", "一切都有备份。"),
    Item("NAS-8", "storage", 119900, "Storage, 8 disks", "八盘存储", "Grows with you.", "随需扩容。"),
    Item("BK-CLD", "storage", 9900, "Cloud backup, a year", "云备份一年", "Off site, encrypted.", "异地加密存储。"),
    Item("UPS-1", "power", 15900, "Battery backup 1 kVA", "不间断电源 1 kVA", "Ten calm minutes.", "从容十分钟。"),
    Item("UPS-3", "power", 64900, "Battery backup 3 kVA", "不间断电源 3 kVA", "For the server room.", "机房专用。"),
    Item("RK-12", "rack", 29900, "Wall rack, 12 units", "12U 壁挂机柜", "Everything in its place.", "井然有序。"),
    Item("RK-42", "rack", 99900, "Floor rack, 42 units", "42U 机柜", "Lockable and cool.", "可上锁，散热好。"),
    Item("CB-6", "rack", 4900, "Patch cable set", "网线套装", "Five colours.", "五种颜色。"),
    Item("SRV-B", "service", 19900, "Service plan Basic, a year", "基础服务一年", "Next-day answer.", "次日答复。"),
    Item("SRV-P", "service", 49900, "Service plan Plus, a year", "增强服务一年", "On site in a day.", "一天内上门。"),
    Item("SRV-24", "service", 129900, "Service plan 24/7, a year", "全天候服务一年", "Someone is always there.", "随时有人值守。"),
    Item("INS-H", "service", 14900, "Installation, half a day", "安装半天", "Unpacked, set up, explained.", "拆箱、安装、讲解。"),
    Item("INS-D", "service", 27900, "Installation, a day", "安装一天", "Floor plan to first call.", "从布线到通话。"),
    Item("TRN-1", "service", 39900, "Training, a day", "培训一天", "Your people, your questions.", "针对您的问题。"),
)  # fmt: skip

# What is bought together: the first leads to the others, each with its chance.
BUNDLES: tuple[tuple[str, tuple[tuple[str, float], ...]], ...] = (
    ("RT-100", (("SW-08", 0.7), ("SRV-B", 0.45), ("AP-IN", 0.4), ("UPS-1", 0.25))),
    ("RT-300", (("SW-24", 0.75), ("FW-20", 0.6), ("SRV-P", 0.5), ("AP-IN", 0.55), ("RK-12", 0.4))),
    ("RT-900", (("FW-80", 0.8), ("SW-48P", 0.75), ("SRV-24", 0.6), ("RK-42", 0.6), ("UPS-3", 0.5))),
    ("PR-B1", (("TN-B", 0.85), ("PAP-5", 0.7), ("SRV-B", 0.2))),
    ("PR-C3", (("TN-C", 0.8), ("PAP-5", 0.6), ("SRV-B", 0.35))),
    ("PR-A3", (("TN-C", 0.9), ("SRV-P", 0.7), ("INS-H", 0.5), ("PAP-5", 0.6))),
    ("PH-D1", (("HS-1", 0.6), ("PH-CONF", 0.25), ("SW-48P", 0.2))),
    ("PH-D5", (("HS-2", 0.65), ("PH-CONF", 0.45), ("TRN-1", 0.2))),
    ("CAM-OUT", (("NVR-8", 0.8), ("CAM-IN", 0.6), ("INS-D", 0.45), ("SW-48P", 0.3))),
    ("NAS-2", (("BK-CLD", 0.6), ("UPS-1", 0.5))),
    ("NAS-8", (("BK-CLD", 0.55), ("UPS-3", 0.55), ("SRV-24", 0.3))),
    ("AP-OUT", (("AP-IN", 0.7), ("AP-CTL", 0.5), ("INS-D", 0.4))),
    ("VPN-10", (("FW-20", 0.5), ("HS-2", 0.4), ("BK-CLD", 0.3))),
)

FIRST_EN = (
    "Anna", "Ben", "Clara", "David", "Elena", "Felix", "Grace", "Henry", "Ida", "Jonas", "Karin",
    "Leo", "Maria", "Nils", "Olivia", "Paul", "Rosa", "Simon", "Tessa", "Victor", "Wanda", "Amir",
    "Bianca", "Carlos", "Dora", "Emil", "Fiona", "George", "Hanna", "Ivan",
)  # fmt: skip
LAST_EN = (
    "Albrecht", "Becker", "Cooper", "Dietrich", "Ellis", "Fischer", "Grant", "Hoffmann", "Irving",
    "Jansen", "Keller", "Lindqvist", "Meyer", "Novak", "Osborne", "Peters", "Quinn", "Richter",
    "Schulz", "Turner", "Urban", "Vogel", "Walker", "Young", "Zimmermann", "O'Brien", "Müller",
    "García", "Kowalski", "Brandt",
)  # fmt: skip
# Family and given names, as written and as spoken.
LAST_ZH = (
    ("陈", "Chen"), ("王", "Wang"), ("李", "Li"), ("张", "Zhang"), ("刘", "Liu"), ("杨", "Yang"),
    ("黄", "Huang"), ("赵", "Zhao"), ("吴", "Wu"), ("周", "Zhou"), ("徐", "Xu"), ("孙", "Sun"),
    ("马", "Ma"), ("朱", "Zhu"), ("胡", "Hu"), ("郭", "Guo"), ("何", "He"), ("高", "Gao"),
)  # fmt: skip
FIRST_ZH = (
    ("伟", "Wei"), ("芳", "Fang"), ("娜", "Na"), ("敏", "Min"), ("静", "Jing"), ("丽", "Li"),
    ("强", "Qiang"), ("磊", "Lei"), ("洋", "Yang"), ("艳", "Yan"), ("勇", "Yong"), ("杰", "Jie"),
    ("娟", "Juan"), ("涛", "Tao"), ("明", "Ming"), ("超", "Chao"), ("秀英", "Xiuying"),
    ("建国", "Jianguo"), ("晓明", "Xiaoming"), ("雨婷", "Yuting"),
)  # fmt: skip
CITIES_DE = ("Berlin", "Hamburg", "München", "Köln", "Leipzig", "Bremen", "Dresden", "Mainz")
CITIES_UK = ("London", "Leeds", "Bristol", "Manchester", "York")
CITIES_ZH = ("上海", "北京", "深圳", "杭州", "南京", "成都")
FIRMS_EN = (
    "Dental Practice", "Bakery", "Law Office", "Architects", "Logistics", "Medical Centre",
    "Garden Centre", "Print Works", "School", "Hotel", "Bookshop", "Engineering", "Travel",
)  # fmt: skip
FIRMS_ZH = (
    "贸易有限公司",
    "设计事务所",
    "物流有限公司",
    "牙科诊所",
    "书店",
    "酒店",
    "软件有限公司",
)
# A page must show these as text.
HOSTILE = (
    '"><img src=x onerror=alert(1)>',
    "Robert'); DROP TABLE customer;--",
    "{{7*7}} <b>Bold</b>",
)


class Matter(NamedTuple):
    """What a call is about: subject, kind, queue, the menu's words, a note, and how it ends."""

    kind: str
    queue: str
    subject_en: str
    subject_zh: str
    step: str
    note_en: str
    note_zh: str
    disposition: str


MATTERS: tuple[Matter, ...] = (
    Matter("question", "support", "Router keeps restarting", "路由器不断重启", "Service", "Restarts every two hours. New power supply sent.", "每两小时重启一次。已寄出新电源。", "solved"),
    Matter("question", "support", "No wireless on the second floor", "二楼没有无线信号", "Service", "Access point was on the guest network. Moved it.", "接入点连到了访客网络，已调整。", "solved"),
    Matter("repair", "support", "Printer paper jam", "打印机卡纸", "Service", "Rollers are worn. Technician on Thursday.", "滚轮磨损。周四派技术员。", "technician"),
    Matter("repair", "support", "Switch does not power phones", "交换机不给电话供电", "Service", "PoE budget exceeded; two phones on adapters for now.", "供电功率超限，两部电话暂用适配器。", "technician"),
    Matter("invoice", "support", "Invoice received twice", "收到两张发票", "Invoice", "Second one cancelled, credit note promised.", "第二张作废，承诺开具贷记单。", "credit"),
    Matter("invoice", "support", "Wrong address on invoice", "发票地址有误", "Invoice", "Corrected and sent again.", "已更正并重新寄出。", "solved"),
    Matter("order", "sales", "Wants a quote for ten phones", "询价十部电话", "Sales", "Quote sent by e-mail, valid for 30 days.", "报价已邮件发送，30 天有效。", "quote"),
    Matter("order", "sales", "Orders toner", "订购碳粉", "Sales", "Two sets, delivery on Monday.", "两套，周一送货。", "sold"),
    Matter("order", "sales", "Asks about storage", "咨询存储设备", "Sales", "Explained the difference between 2 and 8 disks.", "解释了双盘与八盘的区别。", "call_back"),
    Matter("question", "sales", "Delivery date of the order", "订单送货日期", "Sales", "Arrives tomorrow before noon.", "明天中午前送达。", "solved"),
    Matter("complaint", "support", "Technician did not come", "技术员没有来", "Service", "Waited all morning. Apologised; new visit promised.", "等了一上午。已道歉并重新安排。", "complaint"),
    Matter("complaint", "support", "Third fault in a month", "一个月内第三次故障", "Service", "Wants the device replaced. Passed to the supervisor.", "要求更换设备，已转主管。", "complaint"),
    Matter("question", "support", "How to set up remote access", "如何设置远程接入", "Service", "Walked through it together; works now.", "一步步指导完成，已正常。", "solved"),
    Matter("question", "support", "Extend the service plan", "续签服务合同", "Service", "Wants to think about it until next week.", "下周再决定。", "call_back"),
)  # fmt: skip

# The menu's words (config/flows/main.yaml) in Chinese.
STEPS_ZH = {"Service": "售后服务", "Invoice": "发票", "Sales": "产品与购买"}

PROMISES = (
    ("Call back about the quote", "就报价回电"),
    ("Send the credit note", "寄出贷记单"),
    ("Confirm the technician's visit", "确认技术员上门时间"),
    ("Check stock and call back", "查库存后回电"),
)
STAFF: tuple[tuple[str, str, str, str], ...] = (
    ("ava", "Ava Novak", "agent", "en"),
    ("ben", "Ben Walker", "agent", "en"),
    ("carla", "Carla Chen", "agent", "zh"),
    ("sam", "Sam Richter", "supervisor", "en"),
    ("alex", "Alex Brandt", "administrator", "en"),
)
