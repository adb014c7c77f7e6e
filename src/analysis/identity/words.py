"""Words that say little or nothing about who a company is, and how the others are written.

None of the lists knows anything of a data set: they are the words that registers, letter heads
and maps abbreviate.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

# ruff: noqa: SIM905 (one list of words reads better than a hundred quoted ones)


def _written(lines: str) -> Mapping[str, str]:
    """Every form of a word → the one form that stands for it."""
    found: dict[str, str] = {}
    for line in lines.strip().splitlines():
        first, *others = line.split()
        found |= dict.fromkeys(others, first)
    return MappingProxyType(found)


LEGAL_WORDS = frozenset(
    "co company corp corporation inc incorporated llc llp lp ltd limited plc pty pvt pte gmbh mbh "
    "ag kg ohg ug ev sa sas sarl srl spa bv nv oy oyj ab aps as asa kk sdn bhd ltda eireli sl slu "
    "zoo spzoo sp kft zrt doo ooo oao zao the".split()
)
"""Words of legal form (and the article) that a name may have or lack; a blank left around."""

CHINESE_LEGAL_FORMS = (
    "股份有限责任公司|有限责任公司|股份有限公司|集团有限公司|控股有限公司|有限公司|"
    "分公司|总公司|集团公司|股份公司|集团股份|集团|股份|公司|个体工商户|（普通合伙）|有限合伙|"
    "普通合伙"
)
"""Words of legal form, longest first, in simplified characters."""

NAME_FORMS = _written(
    """
    and n
    international intl int
    brothers bros
    association assoc assn
    department dept
    university univ
    institute inst
    manufacturing mfg
    services service svc svcs
    technologies technology tech
    center centre ctr cntr
    saint st
    mount mt
    restaurant rest restaurants
    company co
    """
)
"""Names of companies: abbreviations → the full word."""

STREET_FORMS = _written(
    """
    st street str strasse straße
    ave avenue av
    blvd boulevard blv boul bvd
    rd road
    dr drive drv
    ln lane
    ct court crt
    pl place
    sq square
    hwy highway hiway hwy.
    pkwy parkway pky pkway
    ter terrace terr
    cir circle
    rte route
    expy expressway
    fwy freeway
    plz plaza
    ctr center centre
    bldg building
    n north
    s south
    e east
    w west
    ne northeast
    nw northwest
    se southeast
    sw southwest
    mt mount
    ft fort
    1st first
    2nd second
    3rd third
    4th fourth
    5th fifth
    6th sixth
    7th seventh
    8th eighth
    9th ninth
    10th tenth
    11th eleventh
    12th twelfth
    r rua
    avda avenida
    c calle
    """
)
"""Street types, directions and ordinals → their short form."""

ADDRESS_FILLERS = frozenset(
    "at between btw near off no nr and the of suite ste apt unit rm room".split()
)
"""Words of an address that say nothing on their own."""

PROVINCES = (
    "北京 天津 上海 重庆 河北 山西 辽宁 吉林 黑龙江 江苏 浙江 安徽 福建 江西 山东 河南 湖北 "
    "湖南 广东 海南 四川 贵州 云南 陕西 甘肃 青海 台湾 内蒙古 广西 西藏 宁夏 新疆 香港 澳门"
).split()

CITIES = (
    "石家庄 唐山 秦皇岛 邯郸 邢台 保定 张家口 承德 沧州 廊坊 衡水 太原 大同 阳泉 长治 晋城 "
    "朔州 晋中 运城 忻州 临汾 吕梁 呼和浩特 包头 乌海 赤峰 通辽 鄂尔多斯 呼伦贝尔 巴彦淖尔 "
    "乌兰察布 沈阳 大连 鞍山 抚顺 本溪 丹东 锦州 营口 阜新 辽阳 盘锦 铁岭 朝阳 葫芦岛 长春 "
    "吉林 四平 辽源 通化 白山 松原 白城 延边 哈尔滨 齐齐哈尔 鸡西 鹤岗 双鸭山 大庆 伊春 "
    "佳木斯 七台河 牡丹江 黑河 绥化 大兴安岭 南京 无锡 徐州 常州 苏州 南通 连云港 淮安 盐城 "
    "扬州 镇江 泰州 宿迁 昆山 江阴 张家港 常熟 太仓 杭州 宁波 温州 嘉兴 湖州 绍兴 金华 衢州 "
    "舟山 台州 丽水 义乌 慈溪 余姚 合肥 芜湖 蚌埠 淮南 马鞍山 淮北 铜陵 安庆 黄山 滁州 阜阳 "
    "宿州 六安 亳州 池州 宣城 福州 厦门 莆田 三明 泉州 漳州 南平 龙岩 宁德 晋江 南昌 景德镇 "
    "萍乡 九江 新余 鹰潭 赣州 吉安 宜春 抚州 上饶 济南 青岛 淄博 枣庄 东营 烟台 潍坊 济宁 "
    "泰安 威海 日照 临沂 德州 聊城 滨州 菏泽 郑州 开封 洛阳 平顶山 安阳 鹤壁 新乡 焦作 濮阳 "
    "许昌 漯河 三门峡 南阳 商丘 信阳 周口 驻马店 武汉 黄石 十堰 宜昌 襄阳 鄂州 荆门 孝感 "
    "荆州 黄冈 咸宁 随州 恩施 长沙 株洲 湘潭 衡阳 邵阳 岳阳 常德 张家界 益阳 郴州 永州 怀化 "
    "娄底 湘西 广州 韶关 深圳 珠海 汕头 佛山 江门 湛江 茂名 肇庆 惠州 梅州 汕尾 河源 阳江 "
    "清远 东莞 中山 潮州 揭阳 云浮 南宁 柳州 桂林 梧州 北海 防城港 钦州 贵港 玉林 百色 贺州 "
    "河池 来宾 崇左 海口 三亚 三沙 儋州 成都 自贡 攀枝花 泸州 德阳 绵阳 广元 遂宁 内江 乐山 "
    "南充 眉山 宜宾 广安 达州 雅安 巴中 资阳 凉山 贵阳 六盘水 遵义 安顺 毕节 铜仁 昆明 曲靖 "
    "玉溪 保山 昭通 丽江 普洱 临沧 大理 红河 拉萨 日喀则 西安 铜川 宝鸡 咸阳 渭南 延安 汉中 "
    "榆林 安康 商洛 兰州 嘉峪关 金昌 白银 天水 武威 张掖 平凉 酒泉 庆阳 定西 陇南 西宁 海东 "
    "银川 石嘴山 吴忠 固原 中卫 乌鲁木齐 克拉玛依 吐鲁番 哈密 喀什 和田 伊犁 台北 高雄 台中 "
    "台南 新竹"
).split()
"""Cities of prefecture level and the best known of county level (GB/T 2260, short names)."""

PROVINCE_PATTERN = (
    "(?:" + "|".join(PROVINCES) + ")(?:省|市|壮族自治区|回族自治区|维吾尔自治区|自治区|特别行政区)?"
)
CITY_PATTERN = "(?:" + "|".join(sorted({*CITIES, *PROVINCES}, key=lambda c: (-len(c), c))) + ")"
