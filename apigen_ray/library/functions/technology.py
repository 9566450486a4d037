"""Passwords, networks, versions, screens, drives and colors."""

import math
import string
from typing import Literal, TypedDict

CATEGORY = "Technology"

__all__ = [
    "battery_runtime",
    "compare_versions",
    "convert_hex_color",
    "download_time",
    "http_status_meaning",
    "password_strength",
    "raid_capacity",
    "resistor_value",
    "screen_pixel_density",
    "subnet_details",
]

MEGABITS = {"MB": 8.0, "GB": 8_000.0, "TB": 8_000_000.0}
# Status codes of HTTP and their reasons (IANA's registry; most of them RFC 9110).
HTTP_STATUSES = """
100 Continue, 101 Switching Protocols, 200 OK, 201 Created, 202 Accepted, 204 No Content, 206 Partial Content,
301 Moved Permanently, 302 Found, 303 See Other, 304 Not Modified, 307 Temporary Redirect, 308 Permanent Redirect,
400 Bad Request, 401 Unauthorized, 402 Payment Required, 403 Forbidden, 404 Not Found, 405 Method Not Allowed,
406 Not Acceptable, 408 Request Timeout, 409 Conflict, 410 Gone, 411 Length Required, 412 Precondition Failed,
413 Content Too Large, 414 URI Too Long, 415 Unsupported Media Type, 416 Range Not Satisfiable, 417 Expectation Failed,
421 Misdirected Request, 422 Unprocessable Content, 423 Locked, 425 Too Early, 426 Upgrade Required,
428 Precondition Required, 429 Too Many Requests, 431 Request Header Fields Too Large,
451 Unavailable For Legal Reasons, 500 Internal Server Error, 501 Not Implemented, 502 Bad Gateway,
503 Service Unavailable, 504 Gateway Timeout, 505 HTTP Version Not Supported, 507 Insufficient Storage,
511 Network Authentication Required
"""
STATUS_KINDS = ("informational", "success", "redirection", "client error", "server error")
# RAID level: the fewest drives, and how many of them may fail, whichever they are.
RAID_LEVELS = {"RAID 0": (2, 0), "RAID 1": (2, 1), "RAID 5": (3, 1), "RAID 6": (4, 2), "RAID 10": (4, 1)}
# The color code of resistors (IEC 60062): digits by their place, tolerances in percent.
BAND_DIGITS = ("black", "brown", "red", "orange", "yellow", "green", "blue", "violet", "gray", "white")
BAND_TOLERANCES = {"brown": 1.0, "red": 2.0, "green": 0.5, "blue": 0.25, "violet": 0.1, "gold": 5.0, "silver": 10.0}


class PasswordReport(TypedDict):
    """How hard a password is to guess."""

    length: int
    entropy_bits: float
    rating: str


class Duration(TypedDict):
    """A span of time."""

    seconds: float
    text: str


class Subnet(TypedDict):
    """The addresses of an IPv4 network."""

    network: str
    broadcast: str
    netmask: str
    usable_hosts: int


class HttpStatus(TypedDict):
    """The meaning of an HTTP status code."""

    reason: str
    kind: str


class RaidArray(TypedDict):
    """What an array of drives offers."""

    usable_tb: float
    efficiency_percent: float
    drive_failures_survived: int


class Resistor(TypedDict):
    """The resistance that colored bands stand for."""

    ohms: float
    tolerance_percent: float
    lowest_ohms: float
    highest_ohms: float


def password_strength(password: str) -> PasswordReport:
    """Rate how strong a password is.

    Args:
        password: The password to rate.

    Returns:
        Its length, the entropy that its length and kinds of characters allow at most, and one word:
        weak, fair, good or strong.

    Raises:
        ValueError: The password is empty.

    >>> password_strength("sunshine")["rating"]
    'weak'
    >>> password_strength("Blue7Horse!Staple")["rating"]
    'strong'
    """
    if not password:
        raise ValueError("password must not be empty")
    kinds = (string.ascii_lowercase, string.ascii_uppercase, string.digits)
    alphabet = sum(len(kind) for kind in kinds if any(character in kind for character in password))
    if any(character not in string.ascii_letters + string.digits for character in password):
        alphabet += 33  # the printable signs of ASCII
    # A repeated character adds less than a new one: the distinct ones carry the entropy.
    bits = (len(password) + len(set(password))) / 2 * math.log2(max(alphabet, 2))
    rating = next(
        word for limit, word in ((40, "weak"), (60, "fair"), (80, "good"), (math.inf, "strong")) if bits < limit
    )
    return {"length": len(password), "entropy_bits": round(bits, 1), "rating": rating}


def download_time(file_size: float, size_unit: Literal["MB", "GB", "TB"], speed_mbps: float) -> Duration:
    """Estimate how long it takes to download a file.

    Args:
        file_size: Size of the file.
        size_unit: Unit of the size.
        speed_mbps: Speed of the connection in megabits per second.

    Returns:
        The time in seconds and as hours, minutes and seconds.

    Raises:
        ValueError: The size or the speed is not positive.

    >>> download_time(4.5, "GB", 100)
    {'seconds': 360.0, 'text': '0 h 6 min 0 s'}
    """
    if file_size <= 0 or speed_mbps <= 0:
        raise ValueError("file_size and speed_mbps must be positive")
    seconds = file_size * MEGABITS[size_unit] / speed_mbps
    whole = round(seconds)
    return {
        "seconds": round(seconds, 2),
        "text": f"{whole // 3600} h {whole // 60 % 60} min {whole % 60} s",
    }


def compare_versions(first_version: str, second_version: str) -> Literal["older", "same", "newer"]:
    """Tell whether one software version is older or newer than another.

    Args:
        first_version: Version number such as "2.10.1".
        second_version: Version number to compare with.

    Returns:
        "older", "same" or "newer", said of the first version.

    Raises:
        ValueError: A version is not made of numbers and dots.

    >>> compare_versions("2.9.3", "2.10.0")
    'older'
    >>> compare_versions("v1.4", "1.4.0")
    'same'
    """
    numbers = []
    for version in (first_version, second_version):
        parts = version.removeprefix("v").split(".")
        if not all(part.isascii() and part.isdigit() for part in parts):
            raise ValueError(f"{version!r} is not a version of numbers and dots")
        numbers.append([int(part) for part in parts])
    width = max(map(len, numbers))
    first, second = ([*number, *[0] * (width - len(number))] for number in numbers)
    if first == second:
        return "same"
    return "older" if first < second else "newer"


def screen_pixel_density(width_pixels: int, height_pixels: int, diagonal_inches: float) -> float:
    """Calculate the pixel density of a screen in pixels per inch.

    Args:
        width_pixels: Width of the screen in pixels.
        height_pixels: Height of the screen in pixels.
        diagonal_inches: Diagonal of the screen in inches.

    Returns:
        Pixels per inch.

    Raises:
        ValueError: A dimension is not positive.

    >>> screen_pixel_density(1920, 1080, 24)
    91.8
    """
    if width_pixels <= 0 or height_pixels <= 0 or diagonal_inches <= 0:
        raise ValueError("all dimensions must be positive")
    return round(math.hypot(width_pixels, height_pixels) / diagonal_inches, 1)


def battery_runtime(capacity_mah: float, load_ma: float, usable_percent: float = 85.0) -> float:
    """Estimate how many hours a battery can power a device.

    Args:
        capacity_mah: Capacity of the battery in milliampere-hours.
        load_ma: Current that the device draws, in milliamperes.
        usable_percent: Share of the capacity that can be used, in percent.

    Returns:
        The running time in hours.

    Raises:
        ValueError: The capacity or the load is not positive, or the share is not between 0 and 100 percent.

    >>> battery_runtime(4000, 200)
    17.0
    """
    if capacity_mah <= 0 or load_ma <= 0 or not 0 < usable_percent <= 100:
        raise ValueError("capacity and load must be positive, usable_percent above 0 and at most 100")
    return round(capacity_mah * usable_percent / 100 / load_ma, 2)


def convert_hex_color(hex_color: str, color_model: Literal["rgb", "hsl", "cmyk"] = "rgb") -> dict[str, int]:
    """Convert a hexadecimal web color to another color model.

    Args:
        hex_color: Color as six hexadecimal digits, with or without "#", for example "#FF8800".
        color_model: Color model to convert to.

    Returns:
        The components by name: red, green, blue (0 to 255); hue (degrees), saturation, lightness (percent);
        or cyan, magenta, yellow, black (percent).

    Raises:
        ValueError: The color is not made of six hexadecimal digits.

    >>> convert_hex_color("#FF8800")
    {'red': 255, 'green': 136, 'blue': 0}
    >>> convert_hex_color("3366cc", "hsl")
    {'hue': 220, 'saturation': 60, 'lightness': 50}
    """
    digits = hex_color.removeprefix("#")
    if len(digits) != 6 or any(digit not in string.hexdigits for digit in digits):
        raise ValueError(f"{hex_color!r} is not a color of six hexadecimal digits")
    red, green, blue = (int(digits[i : i + 2], 16) for i in (0, 2, 4))
    if color_model == "rgb":
        return {"red": red, "green": green, "blue": blue}
    brightest = max(red, green, blue)
    high, low = brightest / 255, min(red, green, blue) / 255
    spread = high - low
    if color_model == "cmyk":
        cyan, magenta, yellow = (0.0 if high == 0 else 1 - part / 255 / high for part in (red, green, blue))
        shares = {"cyan": cyan, "magenta": magenta, "yellow": yellow, "black": 1 - high}
        return {name: round(100 * share) for name, share in shares.items()}
    lightness = (high + low) / 2
    hue = saturation = 0.0
    if spread > 0:
        saturation = spread / (1 - abs(2 * lightness - 1))
        if brightest == red:
            hue = (green - blue) / 255 / spread % 6
        elif brightest == green:
            hue = (blue - red) / 255 / spread + 2
        else:
            hue = (red - green) / 255 / spread + 4
    return {"hue": round(60 * hue) % 360, "saturation": round(100 * saturation), "lightness": round(100 * lightness)}


def subnet_details(cidr: str) -> Subnet:
    """Describe an IPv4 network given in CIDR notation.

    Args:
        cidr: Address and prefix length, for example "192.168.1.0/24".

    Returns:
        The network and broadcast addresses, the netmask and the number of usable hosts.

    Raises:
        ValueError: The text is not an IPv4 address with a prefix length from 0 to 32.

    >>> subnet_details("192.168.1.130/26")["network"]
    '192.168.1.128'
    >>> subnet_details("10.0.0.0/24")["usable_hosts"]
    254
    """
    address, _, prefix_text = cidr.partition("/")
    fields = [*address.split("."), prefix_text]
    if len(fields) != 5 or not all(field.isascii() and field.isdigit() and len(field) <= 3 for field in fields):
        raise ValueError(f"{cidr!r} is not an IPv4 network such as 192.168.1.0/24")
    *octets, prefix = (int(field) for field in fields)
    if max(octets) > 255 or prefix > 32:
        raise ValueError(f"{cidr!r} is not an IPv4 network such as 192.168.1.0/24")
    number = int.from_bytes(bytes(octets), "big")
    mask = (0xFFFFFFFF << (32 - prefix)) & 0xFFFFFFFF
    network, broadcast = number & mask, number | (~mask & 0xFFFFFFFF)

    def dotted(value: int) -> str:
        return ".".join(str(octet) for octet in value.to_bytes(4, "big"))

    size = broadcast - network + 1
    return {
        "network": dotted(network),
        "broadcast": dotted(broadcast),
        "netmask": dotted(mask),
        "usable_hosts": size - 2 if size > 2 else size,
    }


def http_status_meaning(status_code: int) -> HttpStatus:
    """Look up what an HTTP status code of a web server means.

    Args:
        status_code: The code, such as 404.

    Returns:
        Its reason in words, and what kind of answer it is.

    Raises:
        ValueError: The code is not in use.

    >>> http_status_meaning(404)
    {'reason': 'Not Found', 'kind': 'client error'}
    """
    for entry in HTTP_STATUSES.split(","):
        code, reason = entry.split(maxsplit=1)
        if code == str(status_code):
            return {"reason": reason.strip(), "kind": STATUS_KINDS[status_code // 100 - 1]}
    raise ValueError(f"{status_code} is not an HTTP status code in use")


def raid_capacity(
    drives: int, drive_size_tb: float, raid_level: Literal["RAID 0", "RAID 1", "RAID 5", "RAID 6", "RAID 10"]
) -> RaidArray:
    """Calculate the usable capacity of drives that are joined to a RAID array.

    Args:
        drives: Number of drives of the same size.
        drive_size_tb: Size of each drive in terabytes.
        raid_level: How the data is spread over the drives.

    Returns:
        The usable terabytes, their share of all in percent, and how many drives may fail without loss of data.

    Raises:
        ValueError: The size is not positive, or the level needs more drives, or an even number of them.

    >>> raid_capacity(4, 8, "RAID 5")
    {'usable_tb': 24, 'efficiency_percent': 75.0, 'drive_failures_survived': 1}
    """
    fewest, failures = RAID_LEVELS[raid_level]
    if drives < fewest or drive_size_tb <= 0 or (raid_level == "RAID 10" and drives % 2):
        raise ValueError(f"{raid_level} needs at least {fewest} drives of a positive size, RAID 10 an even number")
    if raid_level == "RAID 1":
        failures = drives - 1
    holding_data = drives // 2 if raid_level == "RAID 10" else drives - failures
    return {
        "usable_tb": round(holding_data * drive_size_tb, 2),
        "efficiency_percent": round(100 * holding_data / drives, 1),
        "drive_failures_survived": failures,
    }


def resistor_value(
    first_band: Literal["brown", "red", "orange", "yellow", "green", "blue", "violet", "gray", "white"],
    second_band: Literal["black", "brown", "red", "orange", "yellow", "green", "blue", "violet", "gray", "white"],
    multiplier_band: Literal["black", "brown", "red", "orange", "yellow", "green", "blue", "gold", "silver"],
    tolerance_band: Literal["brown", "red", "green", "blue", "violet", "gold", "silver"] = "gold",
) -> Resistor:
    """Read the value of a resistor with four colored bands.

    Args:
        first_band: Color of the first band.
        second_band: Color of the second band.
        multiplier_band: Color of the third band.
        tolerance_band: Color of the fourth band.

    Returns:
        The resistance in ohms, its tolerance in percent, and the range within which it lies.

    >>> resistor_value("yellow", "violet", "red")
    {'ohms': 4700.0, 'tolerance_percent': 5.0, 'lowest_ohms': 4465.0, 'highest_ohms': 4935.0}
    """
    fractions = {"gold": -1, "silver": -2}
    power = fractions[multiplier_band] if multiplier_band in fractions else BAND_DIGITS.index(multiplier_band)
    ohms = (10 * BAND_DIGITS.index(first_band) + BAND_DIGITS.index(second_band)) * 10.0**power
    tolerance = BAND_TOLERANCES[tolerance_band]
    return {
        "ohms": round(ohms, 4),
        "tolerance_percent": tolerance,
        "lowest_ohms": round(ohms * (1 - tolerance / 100), 4),
        "highest_ohms": round(ohms * (1 + tolerance / 100), 4),
    }
