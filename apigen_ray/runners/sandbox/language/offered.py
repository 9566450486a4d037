"""The names of the standard library that are offered to foreign code, by module."""

_TABLE = """
math: acos acosh asin asinh atan atan2 atanh cbrt ceil comb copysign cos cosh degrees dist e erf erfc exp exp2 expm1
  fabs factorial floor fmod frexp fsum gamma gcd hypot inf isclose isfinite isinf isnan isqrt lcm ldexp lgamma log log10
  log1p log2 modf nan nextafter perm pi pow prod radians remainder sin sinh sqrt sumprod tan tanh tau trunc ulp
cmath: acos acosh asin asinh atan atanh cos cosh e exp inf infj isclose isfinite isinf isnan log log10 nan nanj phase pi
  polar rect sin sinh sqrt tan tanh tau
statistics: NormalDist StatisticsError correlation covariance fmean geometric_mean harmonic_mean linear_regression mean
  median median_grouped median_high median_low mode multimode pstdev pvariance quantiles stdev variance
numbers: Complex Integral Number Rational Real
fractions: Fraction
decimal: Context ConversionSyntax Clamped Decimal DecimalException DecimalTuple DivisionByZero DivisionImpossible
  DivisionUndefined FloatOperation HAVE_THREADS Inexact InvalidContext InvalidOperation MAX_EMAX MAX_PREC MIN_EMIN
  MIN_ETINY Overflow ROUND_05UP ROUND_CEILING ROUND_DOWN ROUND_FLOOR ROUND_HALF_DOWN ROUND_HALF_EVEN ROUND_HALF_UP
  ROUND_UP Rounded Subnormal Underflow getcontext localcontext setcontext
random: Random SystemRandom betavariate choice choices expovariate gammavariate gauss getrandbits lognormvariate
  normalvariate paretovariate randbytes randint random randrange sample seed shuffle triangular uniform vonmisesvariate
  binomialvariate weibullvariate getstate setstate
datetime: MAXYEAR MINYEAR UTC date datetime time timedelta timezone tzinfo
time: asctime gmtime localtime mktime monotonic monotonic_ns perf_counter perf_counter_ns process_time process_time_ns
  sleep strftime strptime struct_time time time_ns timezone tzname daylight altzone
calendar: Calendar FRIDAY HTMLCalendar IllegalMonthError IllegalWeekdayError MONDAY SATURDAY SUNDAY THURSDAY TUESDAY
  TextCalendar WEDNESDAY calendar day_abbr day_name isleap leapdays month month_abbr month_name monthcalendar monthrange
  timegm weekday weekheader firstweekday January February error EPOCH
zoneinfo: ZoneInfo ZoneInfoNotFoundError
re: A ASCII DOTALL I IGNORECASE L LOCALE M MULTILINE Match NOFLAG Pattern RegexFlag S U UNICODE VERBOSE X compile error
  escape findall finditer fullmatch match purge search split sub subn
string: Template ascii_letters ascii_lowercase ascii_uppercase capwords digits hexdigits octdigits printable punctuation
  whitespace
textwrap: TextWrapper dedent fill indent shorten wrap
difflib: Differ SequenceMatcher context_diff diff_bytes get_close_matches ndiff restore unified_diff IS_CHARACTER_JUNK
  IS_LINE_JUNK HtmlDiff
unicodedata: bidirectional category combining decimal decomposition digit east_asian_width is_normalized lookup mirrored
  name normalize numeric unidata_version
json: JSONDecodeError JSONDecoder JSONEncoder dump dumps load loads
json.decoder: JSONDecodeError JSONDecoder
json.encoder: JSONEncoder
csv: DictReader DictWriter Dialect Error QUOTE_ALL QUOTE_MINIMAL QUOTE_NONE QUOTE_NONNUMERIC Sniffer excel excel_tab
  reader unix_dialect writer
io: BytesIO StringIO SEEK_SET SEEK_CUR SEEK_END TextIOBase IOBase BufferedIOBase UnsupportedOperation
  DEFAULT_BUFFER_SIZE
html: _charref _replace_charref escape unescape
html.entities: codepoint2name entitydefs html5 name2codepoint
encodings:
encodings.aliases: aliases
html.parser: HTMLParser
urllib:
urllib.parse: DefragResult ParseResult SplitResult ParseResultBytes SplitResultBytes parse_qs parse_qsl quote
  quote_from_bytes quote_plus unquote unquote_plus unquote_to_bytes urldefrag urlencode urljoin urlparse urlsplit
  urlunparse urlunsplit scheme_chars uses_fragment uses_netloc uses_relative uses_params
ipaddress: AddressValueError IPv4Address IPv4Interface IPv4Network IPv6Address IPv6Interface IPv6Network
  NetmaskValueError collapse_addresses get_mixed_type_key ip_address ip_interface ip_network summarize_address_range
  v4_int_to_packed v6_int_to_packed IPV4LENGTH IPV6LENGTH
uuid: NAMESPACE_DNS NAMESPACE_OID NAMESPACE_URL NAMESPACE_X500 RESERVED_FUTURE RESERVED_MICROSOFT RESERVED_NCS RFC_4122
  SafeUUID UUID uuid3 uuid4 uuid5
hashlib: algorithms_available algorithms_guaranteed blake2b blake2s md5 new sha1 sha224 sha256 sha384
  sha3_224 sha3_256 sha3_384 sha3_512 sha512 shake_128 shake_256
hmac: HMAC compare_digest digest new
base64: a85decode a85encode b16decode b16encode b32decode b32encode b32hexdecode b32hexencode b64decode b64encode
  b85decode b85encode decodebytes encodebytes standard_b64decode standard_b64encode urlsafe_b64decode urlsafe_b64encode
binascii: Error Incomplete a2b_base64 a2b_hex a2b_qp a2b_uu b2a_base64 b2a_hex b2a_qp b2a_uu crc32 crc_hqx hexlify
  unhexlify
zlib: adler32 compress compressobj crc32 decompress decompressobj error DEFLATED MAX_WBITS Z_BEST_COMPRESSION
  Z_BEST_SPEED Z_DEFAULT_COMPRESSION Z_DEFAULT_STRATEGY Z_FINISH Z_NO_FLUSH Z_SYNC_FLUSH
struct: Struct calcsize error iter_unpack pack pack_into unpack unpack_from
array: array typecodes
codecs: BOM BOM_BE BOM_LE BOM_UTF8 BOM_UTF16 BOM_UTF16_BE BOM_UTF16_LE BOM_UTF32 BOM_UTF32_BE BOM_UTF32_LE decode encode
  escape_decode escape_encode
quopri: decodestring encodestring
colorsys: hls_to_rgb hsv_to_rgb rgb_to_hls rgb_to_hsv rgb_to_yiq yiq_to_rgb
itertools: accumulate batched chain combinations combinations_with_replacement compress count cycle dropwhile
  filterfalse groupby islice pairwise permutations product repeat starmap takewhile tee zip_longest
functools: cache cached_property cmp_to_key lru_cache partial partialmethod reduce singledispatch singledispatchmethod
  total_ordering wraps WRAPPER_ASSIGNMENTS
operator: abs add and_ attrgetter call concat contains countOf delitem eq floordiv ge getitem gt iadd iand iconcat
  ifloordiv ilshift imatmul imod imul index indexOf inv invert ior ipow irshift is_ is_not isub itemgetter itruediv ixor
  le length_hint lshift lt matmul methodcaller mod mul ne neg not_ or_ pos pow rshift setitem sub truediv truth xor
collections: ChainMap Counter OrderedDict UserDict UserList UserString defaultdict deque namedtuple
collections.abc: AsyncGenerator AsyncIterable AsyncIterator Awaitable Buffer ByteString Callable Collection Container
  Coroutine Generator Hashable ItemsView Iterable Iterator KeysView Mapping MappingView MutableMapping MutableSequence
  MutableSet Reversible Sequence Set Sized ValuesView
typing: AbstractSet Annotated Any AnyStr AsyncContextManager AsyncGenerator AsyncIterable AsyncIterator Awaitable
  BinaryIO ByteString Callable ChainMap ClassVar Collection Concatenate Container ContextManager Coroutine Counter
  DefaultDict Deque Dict Final FrozenSet Generator Generic Hashable IO ItemsView Iterable Iterator KeysView List Literal
  LiteralString Mapping MappingView Match MutableMapping MutableSequence MutableSet NamedTuple Never NewType NoReturn
  NotRequired Optional OrderedDict ParamSpec ParamSpecArgs ParamSpecKwargs Pattern Protocol Required Reversible Self
  Sequence Set Sized SupportsAbs SupportsBytes SupportsComplex SupportsFloat SupportsIndex SupportsInt SupportsRound
  TYPE_CHECKING Text TextIO Tuple Type TypeAlias TypeGuard TypeVar TypeVarTuple TypedDict Union Unpack ValuesView
  assert_never assert_type cast dataclass_transform final get_args get_origin is_typeddict no_type_check overload
  override reveal_type runtime_checkable runtime
enum: CONFORM CONTINUOUS EJECT EnumCheck Enum Flag FlagBoundary IntEnum IntFlag KEEP NAMED_FLAGS
  ReprEnum STRICT StrEnum UNIQUE auto member nonmember property unique verify
dataclasses: Field FrozenInstanceError InitVar KW_ONLY MISSING asdict astuple dataclass field fields is_dataclass
  replace
abc: ABC ABCMeta abstractclassmethod abstractmethod abstractproperty abstractstaticmethod
copy: copy deepcopy error Error
bisect: bisect bisect_left bisect_right insort insort_left insort_right
heapq: heapify heappop heappush heappushpop heapreplace merge nlargest nsmallest
types: BuiltinFunctionType DynamicClassAttribute EllipsisType FunctionType GeneratorType GenericAlias LambdaType
  MappingProxyType MethodType NoneType NotImplementedType SimpleNamespace UnionType BuiltinMethodType
contextlib: AbstractContextManager ContextDecorator ExitStack closing contextmanager nullcontext suppress
graphlib: CycleError TopologicalSorter
keyword: iskeyword issoftkeyword kwlist softkwlist
shlex: join quote shlex split
fnmatch: filter fnmatch fnmatchcase translate
posixpath: basename commonpath commonprefix dirname isabs join normcase normpath sep split splitdrive splitext pardir
  curdir extsep altsep pathsep relpath
os: PathLike altsep curdir extsep fspath linesep name pardir pathsep sep
os.path: basename commonpath commonprefix dirname isabs join normcase normpath sep split splitdrive splitext pardir
  curdir extsep altsep pathsep
ntpath: basename commonprefix dirname isabs join normcase normpath sep split splitdrive splitext
pathlib: PurePath PurePosixPath PureWindowsPath
sys: api_version byteorder float_info float_repr_style hash_info hexversion int_info maxsize maxunicode
  platform version version_info getsizeof intern setrecursionlimit stdout stderr exit argv getrecursionlimit exc_info
inspect: cleandoc isabstract isbuiltin isclass iscoroutinefunction isfunction isgenerator isgeneratorfunction ismethod
  isroutine
errno: ENOENT EEXIST EACCES EPERM EINVAL
warnings: catch_warnings filterwarnings simplefilter warn warn_explicit deprecated
logging: CRITICAL DEBUG ERROR FATAL INFO NOTSET WARN WARNING Formatter Handler Logger NullHandler StreamHandler
  basicConfig critical debug error exception getLogger info log warning
pprint: pformat pprint
reprlib: Repr recursive_repr repr
weakref: WeakKeyDictionary WeakValueDictionary WeakSet
threading: Lock RLock local
contextvars: ContextVar Token
typing_extensions:
"""


def _read(text: str) -> dict[str, frozenset[str]]:
    table: dict[str, list[str]] = {}
    current: list[str] = []
    for line in text.splitlines():
        if line and not line.startswith(" "):
            module, _, line = line.partition(":")
            current = table[module] = []
        current.extend(line.split())
    return {module: frozenset(found) for module, found in table.items()}


OFFERED = _read(_TABLE.strip())
"""Module -> names."""

OFFERED["typing_extensions"] = OFFERED["typing"]

NO_VALUES = frozenset(
    "codecs contextvars inspect io logging os os.path pathlib posixpath sys threading types weakref encodings".split()
)
"""Modules that may be used by their names' names only, never passed on as a value."""
