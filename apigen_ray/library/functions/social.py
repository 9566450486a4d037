"""Names, hashtags, followers and money among friends."""

from typing import Literal, TypedDict

CATEGORY = "Social"

__all__ = [
    "assign_gift_pairs",
    "engagement_rate",
    "make_hashtag",
    "settle_shared_expenses",
    "suggest_usernames",
]


class Transfer(TypedDict):
    """One payment between friends."""

    sender: str
    receiver: str
    amount: float


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
