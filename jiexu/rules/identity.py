"""Numbers of identity documents: what can be told from the number alone.

Document type 01 is the resident identity card (居民身份证): 18 characters after GB 11643-1999, the last one an
ISO 7064 MOD 11-2 check character. Other types have no checksum and are accepted as written (domain.md §5, BOTH-01).
"""

import unicodedata
from datetime import date

RESIDENT_CARD = "01"

# Weights of GB 11643: 2^(17-i) mod 11 for the first seventeen digits; the check character is read off by remainder.
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECK = "10X98765432"

# Passports and permits are far shorter; a longer cell is a slip of columns.
_LONGEST_NUMBER = 30


def normalised(number: str) -> str:
    """The number as it is compared: full-width characters narrowed, blanks taken out, letters upper-case."""
    return "".join(unicodedata.normalize("NFKC", number).split()).upper()


def check_character(first_seventeen: str) -> str:
    """The eighteenth character to seventeen digits. ValueError where they are not seventeen digits."""
    if len(first_seventeen) != 17 or not _digits(first_seventeen):
        raise ValueError("seventeen digits are needed")
    return _CHECK[sum(int(d) * w for d, w in zip(first_seventeen, _WEIGHTS, strict=True)) % 11]


def birth_date(number: str) -> date | None:
    """The date of birth that an 18-character number states; None where it states no day of the calendar."""
    digits = number[6:14]
    if len(number) != 18 or not _digits(digits):
        return None
    try:
        return date(int(digits[:4]), int(digits[4:6]), int(digits[6:]))
    except ValueError:
        return None


def sex(number: str) -> str | None:
    """`male` or `female` as an 18-character number states it: the seventeenth digit is odd for men."""
    if len(number) != 18 or not _digits(number[16]):
        return None
    return "male" if int(number[16]) % 2 else "female"


def valid_resident_number(number: str) -> bool:
    """True for 18 characters with a day of birth and the right check character, written upper-case."""
    return (
        len(number) == 18
        and _digits(number[:17])
        and birth_date(number) is not None
        and check_character(number[:17]) == number[17]
    )


def valid_document(document_type: str, number: str) -> bool:
    """Whether a number can be one of that type; beyond type 01 only its presence and length are looked at."""
    if document_type == RESIDENT_CARD:
        return valid_resident_number(number)
    return 0 < len(number) <= _LONGEST_NUMBER


def masked_number(number: str) -> str:
    """The number with its middle blanked, for logs, lists and error texts.

    A resident card keeps four characters at each end. A passport or permit is so short that four and four would be
    nearly all of it: up to eight characters keep the first only, up to fourteen the first and the last two.
    """
    if len(number) <= 8:
        return number[:1] + "*" * max(len(number) - 1, 0)
    head, tail = (4, 4) if len(number) > 14 else (1, 2)
    return f"{number[:head]}{'*' * (len(number) - head - tail)}{number[-tail:]}"


def _digits(text: str) -> bool:
    # str.isdigit alone takes Arabic-Indic and superscript digits.
    return text.isascii() and text.isdigit()
