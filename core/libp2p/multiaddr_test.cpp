#include "core/libp2p/multiaddr.h"

#include <random>

#include <fmt/format.h>

#include "core/libp2p/varint.h"

#include <catch2/catch.hpp>

using namespace swage;
using libp2p::Multiaddr;
using libp2p::MultiaddrError;
using libp2p::multiaddr::Protocol;
using Kind = MultiaddrError::Kind;
using ByteVector = std::vector<std::uint8_t>;

namespace {

std::string hex(const ByteVector& bytes) {
  std::string text;
  for (const std::uint8_t byte : bytes) text += fmt::format("{:02x}", byte);
  return text;
}

ByteVector unhex(std::string_view text) {
  ByteVector bytes;
  for (std::size_t i = 0; i < text.size(); i += 2) {
    bytes.push_back(static_cast<std::uint8_t>(std::stoi(std::string(text.substr(i, 2)), nullptr, 16)));
  }
  return bytes;
}

std::string why(const std::expected<Multiaddr, MultiaddrError>& address) {
  return address ? "accepted: " + address->to_string() : address.error().text();
}

// CHECKs that an address comes back from its text and from its bytes, and that its bytes cannot be cut.
void check_forms(const Multiaddr& address) {
  const std::string text = address.to_string();
  const ByteVector bytes = address.to_bytes();
  CAPTURE(text);
  CHECK(text.size() <= Multiaddr::kMaxText);
  REQUIRE(why(Multiaddr::parse(text)) == "accepted: " + text);
  CHECK(*Multiaddr::parse(text) == address);
  REQUIRE(why(Multiaddr::from_bytes(bytes)) == "accepted: " + text);
  CHECK(Multiaddr::from_bytes(bytes)->to_bytes() == bytes);
  for (std::size_t cut = 0; cut < bytes.size(); ++cut) {
    const auto part = Multiaddr::from_bytes(Bytes(bytes).first(cut));
    if (part) CHECK(part->components().size() < address.components().size());  // it was cut between two
  }
}

// Of the test vectors of go-multiaddr: a destination of I2P.
const std::string kI2p =
    "jT~IyXaoauTni6N4517EG8mrFUKpy0IlgZh-EY9csMAk82Odatmzr~YTZy8Hv7u~wvkg75EFNOyqb~nAPg-khyp2TS~"
    "ObUz8WlqYAM2VlEzJ7wJB91P-"
    "cUlKF18zSzVoJFmsrcQHZCirSbWoOknS6iNmsGRh5KVZsBEfp1Dg3gwTipTRIx7Vl5Vy~1OSKQVjYiGZS9q8RL0MF~7xFiKxZDLbPxk0AK9TzGGqm~"
    "wMTI2HS0Gm4Ycy8LYPVmLvGonIBYndg2bJC7WLuF6tVjVquiokSVDKFwq70BCUU5AU-EvdOD5KEOAM7mPfw-"
    "gJUG4tm1TtvcobrObqoRnmhXPTBTN5H"
    "7qDD12AvlwFGnfAlBXjuP4xOUAISL5SRLiulrsMSiT4GcugSI80mF6sdB0zWRgL1yyvoVWeTBn1TqjO27alr95DGTluuSqrNAxgpQzCKEWAyzrQkBf"
    "o"
    "2avGAmmz2NaHaAvYbOg0QSJz1PLjv2jdPW~ofiQmrGWM1cd~1cCqAAAA";

}  // namespace

TEST_CASE("multiaddr: text and binary of known addresses") {
  // From the README of multiaddr, its test/multiaddr.feature, and the vectors of go-multiaddr.
  const struct {
    std::string_view text, bytes;
  } cases[] = {
      {"/ip4/192.0.2.42/tcp/443", "04c000022a0601bb"},
      {"/ip4/127.0.0.1/udp/1234", "047f000001910204d2"},
      {"/ip4/127.0.0.1/tcp/4321", "047f0000010610e1"},
      {"/ip4/127.0.0.1/udp/1234/ip4/127.0.0.1/tcp/4321", "047f000001910204d2047f0000010610e1"},
      {"/ip6/::1/udp/1234/quic-v1", "2900000000000000000000000000000001910204d2cd03"},
      {"/ip6/::ffff:192.0.2.1/tcp/1", "2900000000000000000000ffffc0000201060001"},
      {"/ip6zone/x%y/ip6/fe80::1", "2a0378257929fe800000000000000000000000000001"},
      {"/ip4/192.0.2.0/ipcidr/24", "04c00002002b18"},
      {"/dns4/example.com/tcp/443/tls/ws", "360b6578616d706c652e636f6d0601bbc003dd03"},
      {"/onion/aaimaq4ygg2iegci:80", "bc030010c0439831b48218480050"},
      {"/onion3/vww6ybal4bd7szmgncyruucpgfkqahzddi37ktceo3ah7ngmcopnpyyd:1234",
       "bd03adadec040be047f9658668b11a504f3155001f231a37f54c4476c07fb4cc139ed7e30304d2"},
      {"/garlic32/566niximlxdzpanmn4qouucvua3k7neniwss47li5r6ugoertzuq",
       "bf0320efbcd45d0c5dc79781ac6f20ea5055a036afb48d45a52e7d68ec7d4338919e69"},
      {"/p2p/QmcgpsyWgH8Y8ajJz1Cu72KnS5uo2Aa2LpzU7kinSupNKC",
       "a5032212 20d52ebb89d85b02a284948203a62ff28389c57c9f42beec4ec20db76a68911c0b"},
      {"/unix/a/b/c", "9003062f612f622f63"},
      {"/http-path/tmp%2Fbar", "e10307746d702f626172"},
      {"/memory/4", "89060134"},
  };
  for (const auto& [text, bytes] : cases) {
    CAPTURE(text);
    const auto address = Multiaddr::parse(text);
    REQUIRE(why(address) == "accepted: " + std::string(text));
    std::string expected(bytes);
    std::erase(expected, ' ');
    CHECK(hex(address->to_bytes()) == expected);
    const auto same = Multiaddr::from_bytes(unhex(expected));
    REQUIRE(why(same) == "accepted: " + std::string(text));
    CHECK(*same == *address);
    check_forms(*address);
  }
}

TEST_CASE("multiaddr: every protocol, in texts that come back as they were") {
  const std::string peer = "12D3KooWCryG7Mon9orvQxcS1rYZjotPgpwoJNHHKcLLfE4Hf5mV";
  const std::string texts[] = {
      "/ip4/1.2.3.4",
      "/ip4/0.0.0.0",
      "/ip6/2601:9:4f81:9700:803e:ca65:66e8:c21",
      "/ip6/2001:db8::/ipcidr/32",
      "/ip6zone/x/ip6/fe80::1/udp/1234/quic",
      "/onion/timaq4ygg2iegci7:80/http",
      "/onion3/vww6ybal4bd7szmgncyruucpgfkqahzddi37ktceo3ah7ngmcopnpyyd:80/http",
      "/garlic64/" + kI2p + "/udp/8080",
      "/garlic64/" + kI2p.substr(0, 512) + "BQAEAA==",  // with a certificate: the length is no multiple of 3
      "/garlic32/566niximlxdzpanmn4qouucvua3k7neniwss47li5r6ugoertzuqzwas/tcp/8080",
      "/udp/0",
      "/tcp/65535",
      "/sctp/1234",
      "/dccp/1234",
      "/udp/1234/udt",
      "/udp/1234/utp",
      "/tcp/1234/http",
      "/tcp/1234/https",
      "/dns/libp2p.direct/tcp/443/tls/sni/example.com/http/http-path/foo",
      "/dns6/example.com/tcp/443/wss/p2p/" + peer,
      "/dnsaddr/bootstrap.libp2p.io/p2p/" + peer,
      "/ip4/1.2.3.4/tcp/4001/tls/sni/1-2-3-4.k51qzi5.libp2p.direct/ws",
      "/ip4/1.2.3.4/udp/4001/quic-v1/webtransport/certhash/uEiAkH5a4DPGKUuOBjYw0CgwjvcJCJMD2K_1aluKR_tpevQ/certhash/"
      "uEiAfbgiymPP2_nX7Dgir8B4QkksjHp2lVuJZz0F79Be9JA",
      "/ip4/1.2.3.4/udp/4001/webrtc-direct/certhash/uEiAkH5a4DPGKUuOBjYw0CgwjvcJCJMD2K_1aluKR_tpevQ",
      "/ip4/1.2.3.4/tcp/4001/p2p/" + peer + "/p2p-circuit/webrtc/p2p/" + peer,
      "/ip4/1.2.3.4/tcp/9090/http/p2p-webrtc-direct",
      "/ip4/1.2.3.4/tcp/1/ws/p2p-webrtc-star",
      "/ip4/1.2.3.4/tcp/1/ws/p2p-websocket-star",
      "/ip4/1.2.3.4/tcp/1/ws/p2p-stardust",
      "/ip4/1.2.3.4/tcp/127/noise",
      "/ip4/1.2.3.4/tcp/127/plaintextv2",
      "/ip4/1.2.3.4/tcp/80/unix/a/b/c/d/e/f",
      "/unix/stdio",
      "/http-path/a%2520space%FF",
      "/memory/0",
      "/p2p/16Uiu2HAmLhLvBoYaoZfaMUKuibM6ac163GwKY74c5kiSLg5KvLpY",
  };
  for (const std::string& text : texts) {
    const auto address = Multiaddr::parse(text);
    REQUIRE(why(address) == "accepted: " + text);
    check_forms(*address);
  }
}

TEST_CASE("multiaddr: other texts of an address") {
  const struct {
    std::string_view text, canonical;
  } cases[] = {
      {"/ip4/127.0.0.1/tcp/1234/", "/ip4/127.0.0.1/tcp/1234"},
      {"/ip4/127.0.0.1/tcp/0080//", "/ip4/127.0.0.1/tcp/80"},
      {"/ip6/2001:DB8:0:0::1", "/ip6/2001:db8::1"},
      {"/ipfs/QmcgpsyWgH8Y8ajJz1Cu72KnS5uo2Aa2LpzU7kinSupNKC", "/p2p/QmcgpsyWgH8Y8ajJz1Cu72KnS5uo2Aa2LpzU7kinSupNKC"},
      {"/p2p/k2k4r8oqamigqdo6o7hsbfwd45y70oyynp98usk7zmyfrzpqxh1pohl7",
       "/p2p/QmcgpsyWgH8Y8ajJz1Cu72KnS5uo2Aa2LpzU7kinSupNKC"},
      {"/p2p/bafzbeigvf25ytwc3akrijfecaotc74udrhcxzh2cx3we5qqnw5vgrei4bm",
       "/p2p/QmcgpsyWgH8Y8ajJz1Cu72KnS5uo2Aa2LpzU7kinSupNKC"},
      {"/p2p/bafzaajaiaejcalj543iwv2d7pkjt7ykvefrkfu7qjfi6sduakhso4lay6abn2d5u",
       "/p2p/12D3KooWCryG7Mon9orvQxcS1rYZjotPgpwoJNHHKcLLfE4Hf5mV"},
      {"/p2p/k51qzi5uqu5dhb6l8spkdx7yxafegfkee5by8h7lmjh2ehc2sgg34z7c15vzqs",
       "/p2p/12D3KooWCryG7Mon9orvQxcS1rYZjotPgpwoJNHHKcLLfE4Hf5mV"},
      {"/onion/TIMAQ4YGG2IEGCI7:1234", "/onion/timaq4ygg2iegci7:1234"},
      {"/http-path/a%2fb+c~!", "/http-path/a%2Fb%2Bc~%21"},
      {"/certhash/f1203010203", "/certhash/uEgMBAgM"},
      {"/certhash/F1203010203", "/certhash/uEgMBAgM"},
      {"/certhash/mEgMBAgM", "/certhash/uEgMBAgM"},
      {"/certhash/MEgMBAv8=", "/certhash/uEgMBAv8"},
      {"/certhash/UEgIBAg==", "/certhash/uEgIBAg"},
      {"/certhash/b2uaraocy6yrdblb4sfptaddgimjmmpy", "/certhash/u1QEQOFj2IjCsPJFfMAxmQxLGPw"},
      {"/certhash/zQmbWTwYGcmdyK9CYfNBcfs9nhZs17a6FQ4Y8oea278xx41",
       "/certhash/uEiDDq4_xNyDorZBH3TlGazyJdOWSwvo4PUo5YHFMrvDE8g"},
  };
  for (const auto& [text, canonical] : cases) {
    CAPTURE(text);
    const auto address = Multiaddr::parse(text);
    REQUIRE(why(address) == "accepted: " + std::string(canonical));
    check_forms(*address);
  }
}

TEST_CASE("multiaddr: texts that are none") {
  const struct {
    std::string text;
    Kind kind;
  } cases[] = {
      {"", Kind::malformed},
      {"/", Kind::malformed},
      {"//", Kind::malformed},
      {"ip4/127.0.0.1", Kind::malformed},
      {"/ip4", Kind::malformed},
      {"/ip6/", Kind::malformed},
      {"/udp/1234/sctp", Kind::malformed},
      {"/ip4/127.0.0.1//tcp/1", Kind::malformed},
      {"/ip4/127.0.0.1/p2p", Kind::malformed},
      {"/unix", Kind::malformed},
      {"/ip4/1.2.3.4/tcp/80/unix/", Kind::malformed},
      {"/ip4/127.0.0.1/tcp/9090/http/p2p-webcrt-direct", Kind::unknown_protocol},
      {"/udp/1234/udt/1234", Kind::unknown_protocol},
      {"/ip4/127.0.0.1/quic-v1/1234", Kind::unknown_protocol},
      {"/IP4/127.0.0.1", Kind::unknown_protocol},
      {"/ip4/127.0.0.1/udp/1/masque/x", Kind::unknown_protocol},
      {"/ip4/::1", Kind::bad_value},
      {"/ip6/1.2.3.4", Kind::bad_value},
      {"/ip6/fe80::1%eth0", Kind::bad_value},
      {"/ip4/fdpsofodsajfdoisa", Kind::bad_value},
      {"/ip4/1.2.3", Kind::bad_value},
      {std::string("/ip4/1.2.3.4\0x", 14), Kind::bad_value},
      {"/ip4/0.0.0.0/ipcidr/256", Kind::bad_value},
      {"/ip6/::/ipcidr/129", Kind::bad_value},
      {"/ip6zone//ip6/fe80::1", Kind::bad_value},
      {"/dns4//tcp/1", Kind::bad_value},
      {"/dns4/a\nb/tcp/1", Kind::bad_value},
      {"/dns4/" + std::string(256, 'a'), Kind::bad_value},
      {"/udp/65536", Kind::bad_value},
      {"/tcp/-1", Kind::bad_value},
      {"/tcp/+1", Kind::bad_value},
      {"/tcp/0x50", Kind::bad_value},
      {"/tcp/80 ", Kind::bad_value},
      {"/onion/9imaq4ygg2iegci7:80", Kind::bad_value},
      {"/onion/aaimaq4ygg2iegci7:80", Kind::bad_value},
      {"/onion/timaq4ygg2iegci7:0", Kind::bad_value},
      {"/onion/timaq4ygg2iegci7:-1", Kind::bad_value},
      {"/onion/timaq4ygg2iegci7", Kind::bad_value},
      {"/onion/timaq4ygg2iegci@:666", Kind::bad_value},
      {"/onion3/9ww6ybal4bd7szmgncyruucpgfkqahzddi37ktceo3ah7ngmcopnpyyd:80", Kind::bad_value},
      {"/onion3/vww6ybal4bd7szmgncyruucpgfkqahzddi37ktceo3ah7ngmcopnpyyd7:80", Kind::bad_value},
      {"/onion3/vww6ybal4bd7szmgncyruucpgfkqahzddi37ktceo3ah7ngmcopnpyyd:0", Kind::bad_value},
      {"/garlic64/" + kI2p + ":80", Kind::bad_value},
      {"/garlic64/" + kI2p.substr(0, 512), Kind::bad_value},
      {"/garlic32/566niximlxdzpanmn4qouucvua3k7neniwss47li5r6ugoertzuqzwassw", Kind::bad_value},  // stray bits
      {"/garlic32/566niximlxdzpanmn4qouucvua3k7neniwss47li5r6ugoertzu", Kind::bad_value},
      {"/garlic32/566niximlxdzpanmn4qouucvua3k7neniwss47li5r6ugoertzu77", Kind::bad_value},
      {"/certhash/b2uaraocy6yrdblb4sfptaddgimjmmp", Kind::bad_value},
      {"/certhash/x00", Kind::bad_value},
      {"/certhash/f120", Kind::bad_value},
      {"/certhash/u" + std::string(4000, 'A'), Kind::bad_value},
      {"/http-path/%2", Kind::bad_value},
      {"/http-path/%+1", Kind::bad_value},
      {"/p2p/tcp", Kind::bad_value},
      {"/p2p/QmxoHT6iViN5xAjoz1VZ553cL31U9F94ht3QvWR1FrEbZY", Kind::bad_value},
      {"/p2p/bafybeigdyrzt5sfp7udm7hu76uh7y26nf3efuylqabf3oclgtqy55fbzdi", Kind::bad_value},  // a CID of data
      {"/p2p/" + std::string(4000, '2'), Kind::bad_value},
      {"/tcp/" + std::string(4096, '1'), Kind::too_long},
      {"/http-path/" + std::string(1100, 'x'), Kind::too_long},
  };
  for (const auto& [text, kind] : cases) {
    CAPTURE(text);
    const auto address = Multiaddr::parse(text);
    REQUIRE_FALSE(address);
    CHECK(address.error().kind() == kind);
  }
}

TEST_CASE("multiaddr: bytes that are none") {
  const struct {
    std::string_view hex;
    Kind kind;
  } cases[] = {
      {"", Kind::malformed},
      {"04", Kind::malformed},
      {"047f0000", Kind::malformed},
      {"8400"
       "7f000001",
       Kind::malformed},                            // the code in two bytes instead of one
      {"80808080808080808080", Kind::malformed},    // no varint
      {"36ffffffffffffffff7f61", Kind::malformed},  // a value of 2^63 bytes
      {"368100"
       "61",
       Kind::malformed},                // the length in two bytes
      {"3600", Kind::bad_value},        // an empty name
      {"3603612f62", Kind::bad_value},  // "a/b"
      {"360161"
       "00",
       Kind::unknown_protocol},  // code 0
      {"047f000001ffff7f", Kind::unknown_protocol},
      {"2bff", Kind::bad_value},                          // a prefix of 255 bits
      {"bc030010c0439831b48218480000", Kind::bad_value},  // port 0
      {"a503021200", Kind::bad_value},                    // an empty hash
      {"a50303000155", Kind::bad_value},                  // an identity hash of no key
      {"90030161", Kind::bad_value},                      // a path "a"
      {"9003032f612f", Kind::bad_value},                  // a path "/a/"
      {"9003022f61060050", Kind::malformed},              // something after a path
      {"d203021201", Kind::bad_value},                    // a hash that says it has 1 byte, and has 0
      {"d20304120102ff", Kind::bad_value},                // one that has 2
  };
  for (const auto& [text, kind] : cases) {
    CAPTURE(text);
    const auto address = Multiaddr::from_bytes(unhex(text));
    REQUIRE_FALSE(address);
    CHECK(address.error().kind() == kind);
  }
}

TEST_CASE("multiaddr: bounds") {
  ByteVector many;
  for (std::size_t i = 0; i <= Multiaddr::kMaxComponents; ++i) libp2p::varint::append(many, 479);
  CHECK(Multiaddr::from_bytes(many).error().kind() == Kind::too_long);
  many.resize(many.size() - 2);
  check_forms(*Multiaddr::from_bytes(many));
  // What is longest in text for its bytes: names without values, then a path of escaped bytes.
  many.resize(many.size() - 2);
  const std::size_t room = Multiaddr::kMaxBytes - many.size() - 4;
  libp2p::varint::append(many, 481);
  libp2p::varint::append(many, room);
  many.resize(Multiaddr::kMaxBytes, 0xFF);
  REQUIRE(Multiaddr::from_bytes(many));
  check_forms(*Multiaddr::from_bytes(many));
  many.push_back(0);
  CHECK(Multiaddr::from_bytes(many).error().kind() == Kind::too_long);
}

TEST_CASE("multiaddr: what a component says") {
  const auto address = *Multiaddr::parse(
      "/dns4/example.com/ip6/2001:db8::1/tcp/4001/p2p/12D3KooWCryG7Mon9orvQxcS1rYZjotPgpwoJNHHKcLLfE4Hf5mV");
  const auto parts = address.components();
  REQUIRE(parts.size() == 4);
  CHECK(parts[0].text() == "example.com");
  CHECK_FALSE(parts[0].ip());
  CHECK_FALSE(parts[0].port());
  CHECK_FALSE(parts[0].peer_id());
  CHECK(parts[1].ip()->to_string() == "2001:db8::1");
  CHECK_FALSE(parts[1].text());
  CHECK(parts[2].port() == 4001);
  CHECK(parts[3].peer_id()->to_base58() == "12D3KooWCryG7Mon9orvQxcS1rYZjotPgpwoJNHHKcLLfE4Hf5mV");
  CHECK(address.contains(Protocol::tcp));
  CHECK_FALSE(address.contains(Protocol::p2p_circuit));
  CHECK(Multiaddr::parse("/ip4/192.0.2.7")->components()[0].ip()->to_string() == "192.0.2.7");
  CHECK(Multiaddr::parse("/a\x1b[31m/b").error().text() == "unknown protocol a?[31m");
}

TEST_CASE("multiaddr: random bytes behind the codes of real protocols come back, or are refused") {
  std::mt19937_64 random(5);
  const std::uint32_t codes[] = {4, 6, 33, 41, 42, 43, 53, 132, 273, 290, 400, 421, 444, 445, 446, 447, 466, 481, 777};
  int accepted = 0;
  for (int i = 0; i < 20000; ++i) {
    ByteVector bytes;
    for (std::size_t parts = 1 + random() % 3; parts > 0; --parts) {
      libp2p::varint::append(bytes, codes[random() % std::size(codes)]);
      const std::size_t size = random() % 50;
      if (random() % 2 == 0) bytes.push_back(static_cast<std::uint8_t>(size));
      for (std::size_t k = 0; k < size; ++k) bytes.push_back(static_cast<std::uint8_t>(random()));
    }
    const auto address = Multiaddr::from_bytes(bytes);
    if (!address) continue;
    ++accepted;
    REQUIRE(address->to_bytes() == bytes);
    const auto again = Multiaddr::parse(address->to_string());
    REQUIRE(again);
    REQUIRE(*again == *address);
  }
  CHECK(accepted > 100);
}
