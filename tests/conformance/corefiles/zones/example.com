$ORIGIN example.com.
$TTL 3600
@       SOA   ns1 hostmaster 2024010101 7200 3600 1209600 300
        NS    ns1
        NS    ns2.example.net.
        MX    10 mail
        MX    20 mail.example.net.
        TXT   "v=spf1 mx -all"
        TXT   "a second, with a quote: \" and a ; too"
        A     192.0.2.1
        AAAA  2001:db8::1
        CAA   0 issue "ca.example.net"
        HTTPS 1 . alpn="h2,h3" ipv4hint=192.0.2.1
ns1     A     192.0.2.53
        AAAA  2001:db8::53
mail    A     192.0.2.25
www     60 A  192.0.2.80
www     60 A  192.0.2.81
www     60 A  192.0.2.82
www     60 AAAA 2001:db8::80
v4only  300 A 192.0.2.44
v6only  300 AAAA 2001:db8::66
alias   CNAME www
chain1  CNAME chain2
chain2  CNAME chain3
chain3  CNAME www
dangle  CNAME nothing
away    CNAME target.example.net.
v4alias CNAME v4only
loop1   CNAME loop2
loop2   CNAME loop1
_sip._tcp SRV 0 5 5060 sip
_sip._tcp SRV 10 5 5060 sip.example.net.
sip     A     192.0.2.60
naptr   NAPTR 100 10 "u" "E2U+sip" "!^.*$!sip:info@example.com!" .
loc     LOC   52 22 23.000 N 4 53 32.000 E -2.00m 0.00m 10000m 10m
sshfp   SSHFP 4 2 123456789ABCDEF67890123456789ABCDEF67890123456789ABCDEF123456789
tlsa    TLSA  3 1 1 8755CDAA8FE24EF16CC0F2C918063185E433FAAF1415664911D9E30A924138C4
hinfo   HINFO "PC" "Linux"
rp      RP    admin.example.com. info.example.com.
uri     URI   10 1 "https://www.example.com/"
svc     SVCB  1 svc-target port=8443
unknown TYPE65280 \# 4 0A000001
MixedCase A   192.0.2.77
*.wild  A     192.0.2.99
        TXT   "from the wildcard"
deep.empty.nonterminal A 192.0.2.98
sub     NS    ns.sub
ns.sub  A     192.0.2.54
dn      DNAME example.net.
big     TXT   "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx" "1"
big     TXT   "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx" "2"
big     TXT   "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx" "3"
$GENERATE 1-120 huge A 198.51.100.$
$GENERATE 1-40 h$ A 203.0.113.$
