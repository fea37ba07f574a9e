"""Chinese place names as people type them: with or without 市, 区, 县, 自治州.

Pure functions over text, shared by the search and by the derivation of the data.
"""

import re
import unicodedata

_PEOPLES = (
    "蒙古族|蒙古|回族|藏族|维吾尔|苗族|彝族|壮族|布依族|朝鲜族|满族|侗族|瑶族|白族|土家族|哈尼族|哈萨克族|哈萨克|傣族|黎族|傈僳族"
    "|佤族|畲族|高山族|拉祜族|水族|东乡族|纳西族|景颇族|柯尔克孜|土族|达斡尔族|仫佬族|羌族|布朗族|撒拉族|毛南族|仡佬族|锡伯"
    "|阿昌族|普米族|塔吉克|怒族|鄂温克族|德昂族|保安族|裕固族|独龙族|各族"
)
_KIND = re.compile(r"(?:自治州|自治县|自治旗|自治区|地区|林区|矿区|特区|省|市|区|县|旗|盟)$")
_PEOPLE = re.compile(rf"(?:{_PEOPLES})+$")
# Names that stood in many cities: they say nothing about where.
_GENERIC = frozenset({"市辖区", "县", "市", "城区", "郊区", "市郊区", "矿区", "市区", "市中区", "新市区", "新城区"})


def normal(text: str) -> str:
    """Text as it is compared: NFKC (full-width digits become plain), no spaces at the ends, lower case."""
    return unicodedata.normalize("NFKC", text).strip().casefold()


def stem(name: str) -> str:
    """The bare name: 温州市 → 温州, 恩施土家族苗族自治州 → 恩施; 沙县 stays, one character names nothing."""
    bare = _KIND.sub("", name)
    if bare != name and "自治" in name:
        bare = _PEOPLE.sub("", bare) or bare
    return bare if len(bare) >= 2 else name


def is_generic(name: str) -> bool:
    """True for 市辖区, 郊区 and the like, which never identify a place by themselves."""
    return name in _GENERIC
