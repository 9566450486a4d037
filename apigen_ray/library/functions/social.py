"""Posts, names, followers, families, groups and money among friends."""

import calendar
from collections import Counter
from datetime import date
from typing import Literal, TypedDict

CATEGORY = "Social"

__all__ = [
    "assign_gift_pairs",
    "common_interests",
    "days_until_birthday",
    "engagement_rate",
    "family_relationship",
    "make_hashtag",
    "post_length_check",
    "settle_shared_expenses",
    "split_into_groups",
    "suggest_usernames",
    "tally_votes",
]

# Characters that a post may have, as the platforms' help pages say (2025).
POST_LIMITS = {"X": 280, "Bluesky": 300, "Threads": 500, "Mastodon": 500, "Instagram": 2200, "LinkedIn": 3000}
ORDINALS = "zeroth first second third fourth fifth sixth seventh eighth ninth tenth".split()
REMOVALS = "zero once twice three four five six seven eight nine".split()


class Transfer(TypedDict):
    """One payment between friends."""

    sender: str
    receiver: str
    amount: float


class PostLength(TypedDict):
    """Whether a post is short enough."""

    characters: int
    limit: int
    fits: bool


class VoteCount(TypedDict):
    """The outcome of a vote."""

    winners: list[str]
    counts: dict[str, int]
    winner_percent: float


class SharedInterests(TypedDict):
    """What two people both like."""

    shared: list[str]
    match_percent: int


class Birthday(TypedDict):
    """Somebody's next birthday."""

    date: str
    days_left: int
    turning: int


def engagement_rate(likes: int, comments: int, followers: int, shares: int = 0) -> float:
    """Calculate the engagement rate of a social media post in percent.

    Args:
        likes: Number of likes.
        comments: Number of comments.
        followers: Number of followers of the account.
        shares: Number of shares.

    Returns:
        Likes, comments and shares in percent of the followers.

    Raises:
        ValueError: There are no followers, or a count is negative.

    >>> engagement_rate(450, 50, 10000)
    5.0
    """
    if followers <= 0 or min(likes, comments, shares) < 0:
        raise ValueError("followers must be positive and counts must not be negative")
    return round(100 * (likes + comments + shares) / followers, 2)


def make_hashtag(phrase: str, letter_case: Literal["camel", "lower", "upper"] = "camel") -> str:
    """Turn a phrase into a hashtag.

    Args:
        phrase: Words to join.
        letter_case: Whether each word begins with a capital (camel), or all letters are lower or upper case.

    Returns:
        The hashtag, with its "#".

    Raises:
        ValueError: The phrase holds no letter or digit.

    >>> make_hashtag("beach day with friends")
    '#BeachDayWithFriends'
    >>> make_hashtag("Throwback Thursday", letter_case="lower")
    '#throwbackthursday'
    """
    words = "".join(sign if sign.isalnum() else " " for sign in phrase.replace("'", "")).split()
    if not words:
        raise ValueError("phrase must hold at least one letter or digit")
    joined = "".join(word[0].upper() + word[1:] for word in words)
    return "#" + {"camel": joined, "lower": joined.lower(), "upper": joined.upper()}[letter_case]


def suggest_usernames(first_name: str, last_name: str, number: int | None = None) -> list[str]:
    """Suggest usernames made from a person's first and last name.

    Args:
        first_name: First name.
        last_name: Last name.
        number: Number to put at the end of each suggestion, for example a year.

    Returns:
        Five different usernames in lower case.

    Raises:
        ValueError: A name holds no letter, or the number is negative.

    >>> suggest_usernames("Mia", "Lopez")
    ['mialopez', 'mia.lopez', 'mlopez', 'lopez_mia', 'mia_l']
    >>> suggest_usernames("Mia", "Lopez", number=98)[2]
    'mlopez98'
    """
    first, last = ("".join(sign for sign in name.lower() if sign.isalpha()) for name in (first_name, last_name))
    if not first or not last:
        raise ValueError("both names must hold at least one letter")
    if number is not None and number < 0:
        raise ValueError("number must not be negative")
    ending = "" if number is None else str(number)
    forms = (first + last, f"{first}.{last}", first[0] + last, f"{last}_{first}", f"{first}_{last[0]}")
    return [form + ending for form in forms]


def assign_gift_pairs(names: list[str], steps: int = 1) -> dict[str, str]:
    """Decide who gives a present to whom in a gift exchange.

    Args:
        names: The people who take part, in the order of the circle.
        steps: How many places further along the circle the receiver sits.

    Returns:
        The receiver for each giver.

    Raises:
        ValueError: There are fewer than two people, a name occurs twice, or somebody would give to themselves.

    >>> assign_gift_pairs(["Ann", "Ben", "Cleo"])
    {'Ann': 'Ben', 'Ben': 'Cleo', 'Cleo': 'Ann'}
    """
    if len(names) < 2 or len(set(names)) < len(names):
        raise ValueError("at least two people with different names are needed")
    if steps % len(names) == 0:
        raise ValueError("with these steps everybody would give to themselves")
    return {name: names[(position + steps) % len(names)] for position, name in enumerate(names)}


def settle_shared_expenses(amounts_paid: dict[str, float]) -> list[Transfer]:
    """Work out who owes whom so that everybody has paid an equal share.

    Args:
        amounts_paid: What each person has paid so far, by name.

    Returns:
        The payments that settle the account, at most one fewer than there are people.

    Raises:
        ValueError: There are fewer than two people, or an amount is negative.

    >>> settle_shared_expenses({"Ann": 90, "Ben": 0, "Cleo": 30})
    [{'sender': 'Ben', 'receiver': 'Ann', 'amount': 40.0}, {'sender': 'Cleo', 'receiver': 'Ann', 'amount': 10.0}]
    """
    if len(amounts_paid) < 2 or min(amounts_paid.values()) < 0:
        raise ValueError("at least two people and no negative amounts are needed")
    cents = {name: round(100 * amount) for name, amount in amounts_paid.items()}
    share, rest = divmod(sum(cents.values()), len(cents))
    # The cents that do not divide fall on the first people, so that the balances sum to zero.
    balances = {name: paid - share - (position < rest) for position, (name, paid) in enumerate(cents.items())}
    debtors = sorted((item for item in balances.items() if item[1] < 0), key=lambda item: item[1])
    creditors = sorted((item for item in balances.items() if item[1] > 0), key=lambda item: -item[1])
    transfers: list[Transfer] = []
    while debtors:
        (sender, debt), (receiver, credit) = debtors.pop(0), creditors.pop(0)
        paid = min(-debt, credit)
        transfers.append({"sender": sender, "receiver": receiver, "amount": paid / 100})
        if debt + paid < 0:
            debtors.insert(0, (sender, debt + paid))
        if credit - paid > 0:
            creditors.insert(0, (receiver, credit - paid))
    return transfers


def post_length_check(
    post: str, platform: Literal["X", "Bluesky", "Threads", "Mastodon", "Instagram", "LinkedIn"]
) -> PostLength:
    """Check whether a post is short enough for a social network.

    Args:
        post: Text of the post.
        platform: Network on which it shall appear.

    Returns:
        The characters of the post, the network's limit, and whether the post fits.

    >>> post_length_check("Sunset over the harbor tonight!", "X")
    {'characters': 31, 'limit': 280, 'fits': True}
    """
    limit = POST_LIMITS[platform]
    return {"characters": len(post), "limit": limit, "fits": len(post) <= limit}


def tally_votes(votes: list[str]) -> VoteCount:
    """Count the votes of a group and name the winner.

    Args:
        votes: What each person voted for; upper and lower case count as the same.

    Returns:
        The winner, or several in a tie, the votes for each choice, and the winner's share in percent.

    Raises:
        ValueError: Nobody voted.

    >>> tally_votes(["pizza", "sushi", "pizza", "tacos"])
    {'winners': ['pizza'], 'counts': {'pizza': 2, 'sushi': 1, 'tacos': 1}, 'winner_percent': 50.0}
    """
    counts = Counter(vote.strip().lower() for vote in votes if vote.strip())
    if not counts:
        raise ValueError("at least one vote is needed")
    most = max(counts.values())
    return {
        "winners": [choice for choice, count in counts.items() if count == most],
        "counts": dict(counts.most_common()),
        "winner_percent": round(100 * most / counts.total(), 1),
    }


def family_relationship(generations_up: int, generations_down: int) -> str:
    """Name how a person is related to you, such as second cousin once removed, by the way to a common ancestor.

    Args:
        generations_up: Generations from you up to the nearest common ancestor: 1 for a parent, 2 for a grandparent.
        generations_down: Generations from that ancestor down to the other person.

    Returns:
        What the other person is to you.

    Raises:
        ValueError: A number is not 0 to 10, or both are 0.

    >>> family_relationship(2, 2)
    'first cousin'
    >>> family_relationship(3, 4)
    'second cousin once removed'
    >>> family_relationship(3, 1)
    'great-aunt or great-uncle'
    """
    if not (0 <= generations_up <= 10 and 0 <= generations_down <= 10 and generations_up + generations_down):
        raise ValueError("generations must lie between 0 and 10, and not both be 0")
    fewest, most = sorted((generations_up, generations_down))
    above = generations_up > generations_down
    if fewest == 0:
        title = "parent" if above else "child"
        return "great-" * (most - 2) + ("grand" if most > 1 else "") + title
    if fewest == 1:
        great = "great-" * (most - 2)
        pair = ("aunt", "uncle") if above else ("niece", "nephew")
        return "sibling" if most == 1 else f"{great}{pair[0]} or {great}{pair[1]}"
    removal = most - fewest
    times = "" if removal == 0 else f" {REMOVALS[removal]}{' times' if removal > 2 else ''} removed"
    return f"{ORDINALS[fewest - 1]} cousin{times}"


def common_interests(first_interests: list[str], second_interests: list[str]) -> SharedInterests:
    """Find the interests that two people share and how well they match.

    Args:
        first_interests: Interests of the first person.
        second_interests: Interests of the second person.

    Returns:
        The shared interests, and their share in percent of all that either of them has.

    Raises:
        ValueError: A person has no interest.

    >>> common_interests(["chess", "hiking", "jazz"], ["jazz", "cooking", "chess"])
    {'shared': ['chess', 'jazz'], 'match_percent': 50}
    """
    first, second = ({interest.strip().lower() for interest in own} for own in (first_interests, second_interests))
    if not first or not second:
        raise ValueError("both people need at least one interest")
    shared = sorted(first & second)
    return {"shared": shared, "match_percent": round(100 * len(shared) / len(first | second))}


def split_into_groups(people: list[str], group_count: int) -> list[list[str]]:
    """Split a list of people into groups of nearly the same size.

    Args:
        people: Names of the people, in the order in which they are handed out to the groups.
        group_count: How many groups to make.

    Returns:
        The groups; their sizes differ by one at most.

    Raises:
        ValueError: The number of groups is not positive, or there are fewer people than groups.

    >>> split_into_groups(["Ann", "Ben", "Cleo", "Dan", "Eve"], 2)
    [['Ann', 'Cleo', 'Eve'], ['Ben', 'Dan']]
    """
    if not 1 <= group_count <= len(people):
        raise ValueError("group_count must be at least 1 and at most the number of people")
    return [people[first::group_count] for first in range(group_count)]


def days_until_birthday(birth_date: str, today: str) -> Birthday:
    """Count the days until somebody's next birthday and tell the age that they will reach.

    Args:
        birth_date: Date of birth as YYYY-MM-DD.
        today: Date from which to count, as YYYY-MM-DD.

    Returns:
        The date of the next birthday, today at the earliest, the days left, and the age that is reached on it; in a
        common year, somebody born on February 29 celebrates on March 1.

    Raises:
        ValueError: A text is not a date, or today lies before the birth.

    >>> days_until_birthday("1990-06-15", "2025-06-01")
    {'date': '2025-06-15', 'days_left': 14, 'turning': 35}
    """
    born, start = date.fromisoformat(birth_date), date.fromisoformat(today)
    if start < born:
        raise ValueError("today must not lie before the birth_date")
    for year in (start.year, start.year + 1):
        leap_day = (born.month, born.day) == (2, 29) and not calendar.isleap(year)
        birthday = date(year, 3, 1) if leap_day else date(year, born.month, born.day)
        if birthday >= start:
            break
    return {"date": birthday.isoformat(), "days_left": (birthday - start).days, "turning": birthday.year - born.year}
