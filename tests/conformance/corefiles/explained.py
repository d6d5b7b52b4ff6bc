"""The differences between swage and CoreDNS that compare.py knows, each with its reason. Whatever else differs fails.

Each takes both Responses, swage's and CoreDNS's, and the Query, and takes out of both what it explains: what is left has
to be the same.
"""

SECTIONS = "answer", "authority", "additional"


class Explained:
    all = []

    def __init__(self, title, reason, only=""):
        """`only`: a regular expression for the Corefiles in which it may be."""
        self.title, self.reason, self.only = title, reason, only

    def __call__(self, function):
        self.apply = function
        Explained.all.append(self)
        return self


def without(records, *types):
    return [each for each in records if each[1] not in types]


@Explained("compression", "of names is in every message (RFC 1035 section 4.1.4); CoreDNS does without where it fits")
def compression(swage, coredns, query):
    """Nothing to take out: what the messages say is compared, and compare.py counts those whose bytes alone differ."""


@Explained("size in OPT", "each says what itself can take (RFC 6891 section 6.2.3); CoreDNS repeats what the client said")
def opt_size(swage, coredns, query):
    for each in swage, coredns:
        if each.opt:
            each.opt["size"] = 0


@Explained("spelling", "names are compressed into the same name of the question, whatever its case (RFC 1035 section 4.1.4)")
def spelling(swage, coredns, query):
    for each in swage, coredns:
        for section in SECTIONS:
            setattr(each, section, [(owner.lower(), kind, rclass, ttl, data.lower())
                                    for owner, kind, rclass, ttl, data in getattr(each, section)])


@Explained("CD", "is the query's (RFC 4035 section 3.2.2); CoreDNS passes on what the upstream makes of it")
def checking_disabled(swage, coredns, query):
    if "cd" in query.flags:
        for each in swage, coredns:
            each.flags.discard("cd")


@Explained("AD", "of the upstream is told to who asks with AD or DO (RFC 6840 section 5.8)")
def authentic(swage, coredns, query):
    for each in swage, coredns:
        each.flags.discard("ad")


@Explained("RD clear", "unbound refuses a query without RD, which swage passes on; CoreDNS says SERVFAIL there", "24")
def recursion(swage, coredns, query):
    if "rd" not in query.flags and swage.rcode == "REFUSED" and coredns.rcode == "SERVFAIL":
        swage.rcode = coredns.rcode


@Explained("truncated", "records of a truncated answer over UDP are ignored (RFC 2181 section 9) and would amplify: none")
def truncated(swage, coredns, query):
    if "tc" in swage.flags:
        for each in swage, coredns:
            each.answer, each.authority, each.additional = [], [], []


@Explained("over 1232 bytes", "nothing larger goes over UDP, whatever the client offers: it would be fragmented")
def too_large(swage, coredns, query):
    if "tc" in swage.flags and len(coredns.wire) > 1232:
        swage.flags.discard("tc")


@Explained("name servers", "of the zone are not added to answers: optional (RFC 1034 section 4.3.2), and as large as the answer")
def name_servers(swage, coredns, query):
    if swage.answer and not swage.authority and coredns.rcode == "NOERROR":
        coredns.authority = without(coredns.authority, "NS", "RRSIG")


@Explained("a chain that ends in a denial", "has the SOA record of the zone where it ends (RFC 2308 section 2), CoreDNS the NS "
           "or the SOA of the zone where it began")
def denial_of_chain(swage, coredns, query):
    if swage.answer and swage.answer[-1][1] in ("CNAME", "RRSIG") and query.type != "CNAME":
        for each in swage, coredns:
            each.authority = []


@Explained("TTL of SOA in a denial", "is the lesser of its own and its minimum (RFC 2308 section 3)")
def negative_ttl(swage, coredns, query):
    for each in swage, coredns:
        if not each.answer:
            each.authority = [(owner, kind, rclass, 0 if kind == "SOA" else ttl, data)
                              for owner, kind, rclass, ttl, data in each.authority]


@Explained("additional", "records are there where they fit (RFC 2181 section 9): upstreams are asked with EDNS, and answer with more")
def additional(swage, coredns, query):
    if not query.edns or query.edns < 1232:
        for each in swage, coredns:
            each.additional = []


@Explained("reason of REFUSED", "swage says that the query is of no zone of its, or of a kind that nobody takes (RFC 8914 sections 4.21, 4.19)")
def reason_of_refused(swage, coredns, query):
    if swage.rcode == "REFUSED" and swage.opt and swage.opt["options"] in ("000f00020014", "000f00020012"):
        swage.opt["options"] = ""


@Explained("nobody answers", "is REFUSED: that name is not for this server (RFC 8499, \"lame\"); CoreDNS says SERVFAIL at the end of "
           "the chain", "07|09|13|20|30")
def nobody(swage, coredns, query):
    if swage.rcode == "REFUSED" and coredns.rcode == "SERVFAIL":
        swage.rcode = coredns.rcode


@Explained("PTR of a name with addresses", "is NODATA, as of any other type that it has not; CoreDNS's hosts does not know it",
           "hosts")
def pointer(swage, coredns, query):
    if query.type == "PTR" and swage.rcode == "NOERROR" and not swage.answer and coredns.rcode == "SERVFAIL":
        swage.rcode, swage.flags = coredns.rcode, coredns.flags


@Explained("ANY", "of a zone's name is all that it has (RFC 8482 section 4 leaves it); CoreDNS says that there is nothing")
def any_type(swage, coredns, query):
    if query.type == "ANY" and swage.answer and not coredns.answer:
        swage.answer, swage.authority, swage.additional, coredns.authority = [], [], [], []


@Explained("SERVFAIL again", "from the cache says so (RFC 8914 section 4.14)", "cache|dot")
def cached_error(swage, coredns, query):
    if swage.opt and swage.opt["options"] == "000f0002000d":
        swage.opt["options"] = ""


@Explained("OPT without being asked", "is not sent to a client that sent none (RFC 6891 section 7); CoreDNS does, where a rule "
           "has set an option, or says why it has refused", "rewrite-edns|acl")
def unasked_opt(swage, coredns, query):
    if not query.edns:
        coredns.opt = None
        if len(coredns.wire) > 512 and "tc" in swage.flags:
            swage.flags.discard("tc")


@Explained("random order", "of addresses: loadbalance", "resolv-conf")
def order(swage, coredns, query):
    for each in swage, coredns:
        for section in SECTIONS:
            setattr(each, section, sorted(getattr(each, section)))


@Explained("the client's port", "is another one each time", "whoami")
def port(swage, coredns, query):
    for each in swage, coredns:
        each.additional = [(*record[:4], "" if record[1] == "SRV" else record[4]) for record in each.additional]


@Explained("dns64: flags", "RA is that of what was asked for", "dns64")
def dns64(swage, coredns, query):
    if query.type == "AAAA":
        swage.flags.discard("ra")
        coredns.flags.discard("ra")


@Explained("dns64: signatures", "of A records are not those of the AAAA records made of them", "dns64")
def dns64_signatures(swage, coredns, query):
    if query.type == "AAAA" and query.do:
        coredns.answer = [each for each in coredns.answer if each[1] != "RRSIG" or not each[4].startswith("0001")]


@Explained("dns64: validating clients", "(DO and CD) make the addresses themselves (RFC 6147 section 3)", "dns64")
def dns64_validating(swage, coredns, query):
    if query.type == "AAAA" and query.do and "cd" in query.flags:
        for each in swage, coredns:
            each.flags, each.answer, each.authority, each.additional = set(), [], [], []


@Explained("extended errors", "of an upstream are kept with what they are about (RFC 8914); CoreDNS keeps no options in the cache",
           "cache|auto|by-hosts|resolv-conf")
def errors_kept(swage, coredns, query):
    if swage.opt and swage.opt["options"].startswith("000f") and coredns.opt and not coredns.opt["options"]:
        swage.opt["options"] = ""


@Explained("DNAME", "unbound makes the CNAME record with a TTL of 0 the first time, and of the DNAME record's afterwards")
def dname(swage, coredns, query):
    for each in swage, coredns:
        if any(record[1] == "DNAME" for record in each.answer):
            each.answer = [(owner, kind, rclass, 0, data) for owner, kind, rclass, _, data in each.answer]


@Explained("next after TC", "a truncated answer is fetched whole before it is no answer", "next")
def next_after_truncated(swage, coredns, query):
    if "tc" in swage.flags & coredns.flags:
        swage.flags = coredns.flags


@Explained("NXDOMAIN after aliases", "is kept for the time of a denial (RFC 2308 section 5); CoreDNS keeps it for 5 s",
           "cache|auto|resolv-conf|dot|by-hosts")
def kept(swage, coredns, query):
    if coredns.rcode == "NXDOMAIN" and coredns.answer:
        for each in swage, coredns:
            for section in "answer", "authority":
                setattr(each, section, [(owner, kind, rclass, 0, data) for owner, kind, rclass, _, data in getattr(each, section)])


@Explained("question", "is the client's (RFC 5625 section 4.4); CoreDNS leaves the rewritten type in it", "rewrite-types")
def question(swage, coredns, query):
    swage.question = coredns.question


@Explained("DO", "of the response is the query's (RFC 3225 section 3); CoreDNS sets it where it says why it has refused", "acl")
def dnssec_ok(swage, coredns, query):
    if coredns.opt and coredns.rcode in ("REFUSED", "NOERROR") and not query.do:
        coredns.opt["flags"] = 0


@Explained("TTLs of zones", "are the zone's: what is in memory anyhow is not cached; CoreDNS's cache gives all the least of them", "auto")
def zone_ttls(swage, coredns, query):
    if "corp.example" in query.name.lower():
        for each in swage, coredns:
            for section in "answer", "authority":
                setattr(each, section, [(owner, kind, rclass, 0, data) for owner, kind, rclass, _, data in getattr(each, section)])


@Explained("time", "passes, for what is cached: TTLs are a second or two apart", "cache|auto|by-hosts|resolv-conf|dot")
def time_passes(swage, coredns, query):
    for section in SECTIONS:
        theirs = getattr(coredns, section)
        ours = [(*mine[:3], other[3], mine[4]) if abs(mine[3] - other[3]) <= 3 else mine
                for mine, other in zip(getattr(swage, section), theirs)]
        setattr(swage, section, ours + getattr(swage, section)[len(theirs):])
