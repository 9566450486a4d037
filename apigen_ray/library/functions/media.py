"""Sizes, lengths and timing of videos, pictures and playlists."""

from typing import Literal, TypedDict

CATEGORY = "Media"

__all__ = [
    "height_for_aspect_ratio",
    "max_print_size",
    "playlist_length",
    "shift_timecode",
    "video_file_size",
]


class PrintSize(TypedDict):
    """The largest sharp print of a picture."""

    width: float
    height: float
    unit: str


def playlist_length(track_lengths: list[str]) -> str:
    """Add up the lengths of the tracks in a playlist.

    Args:
        track_lengths: Length of each track as minutes:seconds, for example "3:45".

    Returns:
        The whole length as hours:minutes:seconds.

    Raises:
        ValueError: A length is not minutes:seconds.

    >>> playlist_length(["3:45", "4:20", "2:55"])
    '0:11:00'
    """
    total = 0
    for length in track_lengths:
        minutes, _, seconds = length.partition(":")
        if not (minutes.isdecimal() and seconds.isdecimal() and len(seconds) == 2 and int(seconds) < 60):
            raise ValueError(f"{length!r} is not minutes:seconds")
        total += int(minutes) * 60 + int(seconds)
    return f"{total // 3600}:{total // 60 % 60:02d}:{total % 60:02d}"


def video_file_size(duration_minutes: float, video_mbps: float, audio_kbps: int = 128) -> float:
    """Estimate the size of a video file in megabytes.

    Args:
        duration_minutes: Length of the video in minutes.
        video_mbps: Bit rate of the picture in megabits per second.
        audio_kbps: Bit rate of the sound in kilobits per second.

    Returns:
        The size in megabytes of a million bytes.

    Raises:
        ValueError: The length or the bit rate is not positive, or the sound's is negative.

    >>> video_file_size(10, 8)
    609.6
    """
    if duration_minutes <= 0 or video_mbps <= 0 or audio_kbps < 0:
        raise ValueError("length and bit rates must be positive")
    return round(duration_minutes * 60 * (video_mbps + audio_kbps / 1000) / 8, 1)


def height_for_aspect_ratio(
    width_pixels: int, aspect_ratio: Literal["16:9", "4:3", "3:2", "1:1", "21:9", "9:16"]
) -> int:
    """Find the height of a picture or video from its width and aspect ratio.

    Args:
        width_pixels: Width in pixels.
        aspect_ratio: Width to height.

    Returns:
        The height in pixels, rounded.

    Raises:
        ValueError: The width is not positive.

    >>> height_for_aspect_ratio(1920, "16:9")
    1080
    >>> height_for_aspect_ratio(1080, "9:16")
    1920
    """
    if width_pixels <= 0:
        raise ValueError("width_pixels must be positive")
    across, down = map(int, aspect_ratio.split(":"))
    return round(width_pixels * down / across)


def shift_timecode(timecode: str, shift_seconds: float) -> str:
    """Move a subtitle timecode forward or back by some seconds.

    Args:
        timecode: Timecode as HH:MM:SS.
        shift_seconds: Seconds to add; negative to show the subtitle earlier.

    Returns:
        The new timecode as HH:MM:SS,mmm; never before the start of the film.

    Raises:
        ValueError: The timecode is not HH:MM:SS.

    >>> shift_timecode("00:12:58", 2.5)
    '00:13:00,500'
    >>> shift_timecode("00:00:01", -4)
    '00:00:00,000'
    """
    fields = timecode.split(":")
    if len(fields) != 3 or not all(field.isdecimal() and len(field) == 2 for field in fields):
        raise ValueError(f"{timecode!r} is not HH:MM:SS")
    hours, minutes, seconds = map(int, fields)
    if minutes > 59 or seconds > 59:
        raise ValueError(f"{timecode!r} is not HH:MM:SS")
    total = max(0, (hours * 3600 + minutes * 60 + seconds) * 1000 + round(shift_seconds * 1000))
    rest, milliseconds = divmod(total, 1000)
    return f"{rest // 3600:02d}:{rest // 60 % 60:02d}:{rest % 60:02d},{milliseconds:03d}"


def max_print_size(
    width_pixels: int,
    height_pixels: int,
    dots_per_inch: int = 300,
    unit: Literal["inches", "centimeters"] = "inches",
) -> PrintSize:
    """Calculate the largest size at which a photo can be printed sharply.

    Args:
        width_pixels: Width of the photo in pixels.
        height_pixels: Height of the photo in pixels.
        dots_per_inch: Resolution of the print.
        unit: Unit of the result.

    Returns:
        Width and height of the print and their unit.

    Raises:
        ValueError: A dimension or the resolution is not positive.

    >>> max_print_size(6000, 4000)
    {'width': 20.0, 'height': 13.33, 'unit': 'inches'}
    """
    if min(width_pixels, height_pixels, dots_per_inch) <= 0:
        raise ValueError("dimensions and resolution must be positive")
    scale = (2.54 if unit == "centimeters" else 1.0) / dots_per_inch
    return {"width": round(width_pixels * scale, 2), "height": round(height_pixels * scale, 2), "unit": unit}
