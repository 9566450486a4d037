"""The 21 categories of the paper, and what words of other catalogues mean in them."""

import re

CATEGORIES = (
    "Business", "Commerce", "Communication", "Data", "Education", "Entertainment", "Environment", "Finance", "Gaming",
    "Health", "Lifestyle", "Math", "Media", "Music", "Other", "Science", "Social", "Sports", "Technology", "Tools",
    "Travel",
)  # fmt: skip
"""Their names (paper, figure 4)."""

# The 49 of the marketplace that ToolBench was drawn from, and words that documents use for tags. A word that may mean
# two of the 21 is not here: then a model is asked.
_MEANT = {
    "Business": "business software,advertising,marketing,logistics,crm,hr,human resources,jobs,employees",
    "Commerce": "ecommerce,shop,shopping,store,stores,orders,cart,products,catalog,retail,inventory,coupons,reward",
    "Communication": "email,sms,messaging,messages,text messaging,telecom,telephony,chat,notifications,mail",
    "Data": "database,databases,search,open data,storage,statistics,datasets",
    "Education": "courses,learning,school,schools,university,universities,students,dictionary",
    "Entertainment": "movies,movie,tv,television,film,films,events,jokes,comics,anime",
    "Environment": "weather,energy,climate,air quality,nature",
    "Finance": "financial,payments,payment,banking,bank,currency,currencies,stocks,crypto,cryptocurrency,"
    "investing,tax,taxes,loans,insurance,exchange rates",
    "Gaming": "games,game,esports,chess",
    "Health": "health and fitness,medical,medicine,fitness,nutrition,covid",
    "Lifestyle": "food,recipes,recipe,cooking,fashion,pets,pet,horoscope,restaurants,drinks",
    "Math": "maths,mathematics,calculator,algebra,geometry",
    "Media": "news media,news,video images,video,videos,photos,photography,books,publishing,podcasts,journalism",
    "Music": "songs,lyrics,playlists,artists,albums",
    "Other": "others,misc,miscellaneous",
    "Science": "astronomy,physics,chemistry,biology,genetics,genomics",
    "Social": "social media,community,forums,dating,friends",
    "Sports": "sport,football,soccer,basketball,baseball,tennis,cricket",
    "Technology": "artificial intelligence machine learning,artificial intelligence,machine learning,ai,"
    "cybersecurity,security,devices,monitoring,cloud,developer tools,cryptography,iot,networking,hardware,software",
    "Tools": "tool,utilities,utility,translation,text analysis,visual recognition,url shortener,conversion,"
    "converter,time management,calendar,barcodes",
    "Travel": "transportation,transport,transit,location,mapping,maps,geocoding,hotels,flights,airports,tourism,trains",
}
_CATEGORY_OF = {category.lower(): category for category in CATEGORIES}
_CATEGORY_OF |= {word: category for category, words in _MEANT.items() for word in words.split(",")}


def category_meant(word: str | None) -> str | None:
    """The one of the 21 that a source's own word for a category, such as a tag, stands for; None where that is open.

    Args:
        word: in any case, its parts joined by anything: ``News_Media``, ``health-and-fitness``.
    """
    return _CATEGORY_OF.get(" ".join(re.findall(r"[a-z0-9]+", word.lower()))) if word else None
