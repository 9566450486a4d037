"""Sizes, lengths and timing of videos, films, pictures and playlists, and the settings of cameras."""

import math
from typing import Literal, TypedDict

CATEGORY = "Media"

__all__ = [
    "depth_of_field",
    "equivalent_focal_length",
    "exposure_value",
    "film_running_time",
    "height_for_aspect_ratio",
    "max_print_size",
    "playlist_length",
    "shift_timecode",
    "timelapse_plan",
    "video_file_size",
]
# Frames on a foot of film: 35 mm with four perforations a frame, 65 mm with five (Kodak's film calculator).
FRAMES_PER_FOOT = {"8mm": 80.0, "super 8": 72.0, "16mm": 40.0, "35mm": 16.0, "65mm": 12.8}
# How many times smaller than full frame (36 x 24 mm) the diagonal of a sensor is, as the makers give it.
CROP_FACTORS = {"full frame": 1.0, "APS-C": 1.5, "Canon APS-C": 1.6, "Micro Four Thirds": 2.0, "1-inch": 2.7}
FULL_FRAME_BLUR_MM = 0.03  # a spot of this size still looks sharp on a full frame picture, the usual figure
# The exposure value from which on a scene is this bright, after the table of ANSI PH2.7-1986.
SCENES = ((15, "full sunlight"), (12, "clouds or open shade"), (9, "dusk"), (5, "indoors"), (-math.inf, "night"))

Sensor = Literal["full frame", "APS-C", "Canon APS-C", "Micro Four Thirds", "1-inch"]


class PrintSize(TypedDict):
    """The largest sharp print of a picture."""

    width: float
    height: float
    unit: str


class Timelapse(TypedDict):
    """What a time-lapse film needs."""

    photos: int
    interval_seconds: float


class EquivalentLens(TypedDict):
    """A lens as it looks on a full frame camera."""

    equivalent_mm: float
    view_angle_degrees: float


class DepthOfField(TypedDict):
    """From where to where a photo is sharp; the far end is None where it reaches to infinity."""

    near_m: float
    far_m: float | None
    hyperfocal_m: float


class Exposure(TypedDict):
    """How bright a scene is."""

    exposure_value: float
    scene: str


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


def film_running_time(
    film_length_feet: float,
    film_format: Literal["8mm", "super 8", "16mm", "35mm", "65mm"],
    frames_per_second: float = 24.0,
) -> str:
    """Calculate how long a reel of movie film runs.

    Args:
        film_length_feet: Length of the film in feet.
        film_format: Format of the film.
        frames_per_second: Frames shown each second.

    Returns:
        The running time as minutes:seconds.

    Raises:
        ValueError: The length or the speed is not positive.

    >>> film_running_time(400, "16mm")
    '11:07'
    >>> film_running_time(50, "super 8", frames_per_second=18)
    '3:20'
    """
    if film_length_feet <= 0 or frames_per_second <= 0:
        raise ValueError("film_length_feet and frames_per_second must be positive")
    minutes, seconds = divmod(round(film_length_feet * FRAMES_PER_FOOT[film_format] / frames_per_second), 60)
    return f"{minutes}:{seconds:02d}"


def timelapse_plan(event_minutes: float, clip_seconds: float, frames_per_second: int = 24) -> Timelapse:
    """Plan a time-lapse: how many photos to take of an event, and how often.

    Args:
        event_minutes: How long the event lasts, in minutes.
        clip_seconds: How long the finished clip shall be, in seconds.
        frames_per_second: Frames in each second of the clip.

    Returns:
        The number of photos, and the seconds from one photo to the next.

    Raises:
        ValueError: A figure is not positive, or the clip has no frame.

    >>> timelapse_plan(60, 30)
    {'photos': 720, 'interval_seconds': 5.0}
    """
    photos = round(clip_seconds * frames_per_second)
    if event_minutes <= 0 or photos < 1:
        raise ValueError("event_minutes, clip_seconds and frames_per_second must be positive")
    return {"photos": photos, "interval_seconds": round(event_minutes * 60 / photos, 2)}


def equivalent_focal_length(focal_length_mm: float, sensor: Sensor) -> EquivalentLens:
    """Find the full frame equivalent of a lens on a camera with a smaller sensor.

    Args:
        focal_length_mm: Focal length of the lens in millimeters.
        sensor: Size of the camera's sensor.

    Returns:
        The equivalent focal length in millimeters, and the horizontal angle of view.

    Raises:
        ValueError: The focal length is not positive.

    >>> equivalent_focal_length(50, "APS-C")
    {'equivalent_mm': 75.0, 'view_angle_degrees': 27.0}
    """
    if focal_length_mm <= 0:
        raise ValueError("focal_length_mm must be positive")
    equivalent = focal_length_mm * CROP_FACTORS[sensor]
    angle = 2 * math.degrees(math.atan(36 / (2 * equivalent)))
    return {"equivalent_mm": round(equivalent, 1), "view_angle_degrees": round(angle, 1)}


def depth_of_field(
    focal_length_mm: float, aperture: float, subject_distance_m: float, sensor: Sensor = "full frame"
) -> DepthOfField:
    """Calculate the depth of field of a photo: the nearest and the farthest point that are sharp.

    Args:
        focal_length_mm: Focal length of the lens in millimeters.
        aperture: F-number of the aperture, for example 2.8.
        subject_distance_m: Distance to the subject in meters.
        sensor: Size of the camera's sensor.

    Returns:
        The near and the far end of the sharp range and the hyperfocal distance, in meters.

    Raises:
        ValueError: A figure is not positive, or the subject is nearer than the focal length.

    >>> depth_of_field(50, 2.8, 3)
    {'near_m': 2.73, 'far_m': 3.33, 'hyperfocal_m': 29.81}
    >>> depth_of_field(24, 8, 5)["far_m"] is None
    True
    """
    focal, distance = focal_length_mm, subject_distance_m * 1000
    if focal <= 0 or aperture <= 0 or distance <= focal:
        raise ValueError("figures must be positive, and the subject farther away than the focal length")
    hyperfocal = focal**2 / (aperture * FULL_FRAME_BLUR_MM / CROP_FACTORS[sensor]) + focal
    near = distance * (hyperfocal - focal) / (hyperfocal + distance - 2 * focal)
    far = None if distance >= hyperfocal else distance * (hyperfocal - focal) / (hyperfocal - distance)
    return {
        "near_m": round(near / 1000, 2),
        "far_m": None if far is None else round(far / 1000, 2),
        "hyperfocal_m": round(hyperfocal / 1000, 2),
    }


def exposure_value(aperture: float, shutter_speed: str, iso: int = 100) -> Exposure:
    """Calculate the exposure value of camera settings and name the light that they suit.

    Args:
        aperture: F-number of the aperture, for example 5.6.
        shutter_speed: Shutter speed in seconds, as a fraction such as "1/125" or a number such as "2".
        iso: Sensitivity of the film or sensor.

    Returns:
        The exposure value for ISO 100, and a scene as bright as that.

    Raises:
        ValueError: The shutter speed cannot be read, or a figure is not positive.

    >>> exposure_value(16, "1/125")
    {'exposure_value': 15.0, 'scene': 'full sunlight'}
    >>> exposure_value(2.8, "1/125", iso=1600)["scene"]
    'indoors'
    """
    above, _, below = shutter_speed.partition("/")
    if not (above.isdecimal() and int(above) and (not below or (below.isdecimal() and int(below)))):
        raise ValueError(f"{shutter_speed!r} is not a shutter speed such as 1/125")
    if aperture <= 0 or iso <= 0:
        raise ValueError("aperture and iso must be positive")
    value = round(math.log2(aperture**2 * int(below or 1) / int(above) * 100 / iso), 1)
    return {"exposure_value": value, "scene": next(scene for limit, scene in SCENES if value >= limit)}
