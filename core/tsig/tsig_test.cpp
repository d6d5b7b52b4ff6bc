#include "core/tsig/tsig.h"

#include <ctime>
#include <vector>

#include "tests/support/tsig_peer.h"

#include <catch2/catch.hpp>  // last: its CHECK is the one that counts here

namespace swage::tsig {
namespace {

using Message = std::vector<std::uint8_t>;

constexpr std::string_view kSecret = "NoTCJU+DMqFWywaPyxSijrDEA/eC3nK0xi3AMEZuPVk=";
const tests::TsigPeersKey kPeersKey = {"key.example.", std::string(kSecret)};
constexpr std::uint64_t kNow = 1'700'000'000;

OwnKey make_key(std::string_view algorithm = "", std::string_view name = "Key.example") {
  return OwnKey::make(name, algorithm, kSecret).value();
}

Ring ring_of(std::string_view algorithm = "") {
  std::vector<OwnKey> keys;
  keys.push_back(make_key(algorithm));
  keys.push_back(make_key(algorithm, "other."));
  return Ring::make(keys).value();
}

// "example.org. A", or a response to it.
Message message(bool response = false, std::uint16_t id = 0x1234) {
  Message bytes = {0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0};
  store_u16(bytes.data(), id);
  if (response) bytes[2] = 0x84;
  for (const char c : std::string_view("\x07"
                                       "example\x03org\0\0\1\0\1",
                                       17))
    bytes.push_back(static_cast<std::uint8_t>(c));
  return bytes;
}

Message sign(Signer& signer, Message bytes, std::uint64_t now = kNow) {
  const std::size_t size = bytes.size(), room = signer.room();
  bytes.resize(size + room);
  const std::size_t whole = signer.sign(bytes, size, now);
  CHECK(whole <= bytes.size());
  bytes.resize(whole);
  return bytes;
}

Message signed_request(std::string_view algorithm = "") {
  const OwnKey key = make_key(algorithm);
  Signer signer(key.key());
  return sign(signer, message());
}

Status status_of(const Message& request, std::uint64_t now = kNow) {
  return verify_request(request, ring_of(), now).status;
}

std::uint16_t error_in(const Message& bytes, bool with_mac) {
  Record record;
  std::size_t start = 0;
  REQUIRE(find(bytes, record, start) == Found::one);
  CHECK(record.mac.empty() != with_mac);
  return record.error;
}

TEST_CASE("tsig: ldns and we verify each other's messages") {
  const auto now = static_cast<std::uint64_t>(std::time(nullptr));
  for (const char* const algorithm : {"hmac-sha1.", "hmac-sha256.", "hmac-sha512."}) {
    CAPTURE(algorithm);
    const Ring ring = ring_of(algorithm);
    const Message theirs = tests::ldns_signs(message(), kPeersKey, algorithm);
    CHECK(verify_request(theirs, ring, now).status == Status::good);

    const OwnKey key = make_key(algorithm);
    Signer client(key.key());
    const Message request = sign(client, message(), now);
    CHECK(tests::ldns_verifies(request, kPeersKey, {}, tests::TsigPart::first));

    const Request verified = verify_request(request, ring, now);
    REQUIRE(verified.status == Status::good);
    Signer server(verified);
    Bytes prior = client.mac();
    Message before;
    for (int i = 0; i < 3; ++i) {
      const Message response = sign(server, message(true), now);
      CHECK(tests::ldns_verifies(response, kPeersKey, prior, i == 0 ? tests::TsigPart::first : tests::TsigPart::later));
      before.assign(server.mac().begin(), server.mac().end());
      prior = before;
    }
  }
}

TEST_CASE("tsig: a request is verified as RFC 8945 section 5.2 says") {
  const Message request = signed_request();
  CHECK(status_of(message()) == Status::none);
  CHECK(status_of(request) == Status::good);
  CHECK(status_of(request, kNow + kFudge) == Status::good);
  CHECK(status_of(request, kNow + kFudge + 1) == Status::badtime);
  CHECK(status_of(request, kNow - kFudge - 1) == Status::badtime);
  CHECK(status_of(signed_request("hmac-sha512")) == Status::badkey);  // known, with another algorithm

  const OwnKey stranger = make_key("", "stranger");
  Signer signer(stranger.key());
  CHECK(status_of(sign(signer, message())) == Status::badkey);

  Message id = request;
  id[0] ^= 1;  // a forwarder's: the original id is in the record
  CHECK(status_of(id) == Status::good);

  for (std::size_t i = 2; i < request.size(); ++i) {
    for (const int bit : {0x01, 0x20, 0x80}) {
      Message changed = request;
      changed[i] = static_cast<std::uint8_t>(changed[i] ^ bit);
      const Status status = status_of(changed);
      const bool letter = bit == 0x20;  // of the key's name or the algorithm's: case means nothing there
      CAPTURE(i, bit, to_string(status));
      CHECK((status != Status::good || (letter && i >= message().size())));
    }
  }
  for (std::size_t size = 0; size < request.size(); ++size) {
    const Status status = status_of(Message(request.begin(), request.begin() + static_cast<std::ptrdiff_t>(size)));
    CHECK(status == Status::formerr);
  }
}

TEST_CASE("tsig: a TSIG record that is not the last, or not alone, is a format error") {
  const OwnKey key = make_key();
  Signer signer(key.key());
  CHECK(status_of(sign(signer, signed_request())) == Status::formerr);  // two

  Message opt_after = signed_request();
  opt_after.insert(opt_after.end(), {0, 0, 41, 4, 0xD0, 0, 0, 0, 0, 0, 0});
  ++opt_after[11];
  CHECK(status_of(opt_after) == Status::formerr);

  Message answer = signed_request();
  std::swap(answer[7], answer[11]);  // in the answer section
  CHECK(status_of(answer) == Status::formerr);

  Message bytes_after = signed_request();
  bytes_after.push_back(0);
  CHECK(status_of(bytes_after) == Status::formerr);
}

// `request` with a MAC of that many bytes.
Message with_mac_of(const Message& request, std::size_t size) {
  Record record;
  std::size_t start = 0;
  REQUIRE(find(request, record, start) == Found::one);
  Message mac(record.mac.begin(), record.mac.end());
  mac.resize(size);
  record.mac = mac;
  Message changed(request.begin(), request.begin() + static_cast<std::ptrdiff_t>(start));
  --changed[11];
  changed.resize(start + size_of(record));
  static_cast<void>(append(changed, start, record));
  return changed;
}

TEST_CASE("tsig: truncated MACs") {
  const Message request = signed_request();
  CHECK(status_of(with_mac_of(request, 33)) == Status::formerr);
  CHECK(status_of(with_mac_of(request, 31)) == Status::badtrunc);
  CHECK(status_of(with_mac_of(request, 16)) == Status::badtrunc);
  CHECK(status_of(with_mac_of(request, 15)) == Status::formerr);
  CHECK(status_of(with_mac_of(request, 0)) == Status::formerr);

  const Ring short_macs = ring_of("hmac-sha256-128");
  CHECK(verify_request(request, short_macs, kNow).status == Status::good);
  CHECK(verify_request(with_mac_of(request, 16), short_macs, kNow).status == Status::good);
  const Message ours = signed_request("hmac-sha256-128");
  CHECK(ours.size() == request.size() - 16);
  CHECK(verify_request(ours, short_macs, kNow).status == Status::good);
  CHECK(status_of(ours) == Status::badtrunc);
}

TEST_CASE("tsig: what a response says of a request that is wrong") {
  const OwnKey key = make_key();
  Signer client(key.key());
  const Message request = sign(client, message());
  Message forged = request;
  forged[13] ^= 1;
  const Ring ring = ring_of();
  const Request badsig = verify_request(forged, ring, kNow);
  REQUIRE(badsig.status == Status::badsig);
  Signer without_mac(badsig);
  const Message refused = sign(without_mac, message(true));
  CHECK(error_in(refused, false) == 16);
  CHECK(Verifier(key.key(), client.mac()).verify(refused, kNow) == Status::badsig);

  const Request late = verify_request(request, ring, kNow + 3600);
  REQUIRE(late.status == Status::badtime);
  Signer with_mac(late);
  const Message response = sign(with_mac, message(true), kNow + 3600);
  CHECK(error_in(response, true) == 18);
  Verifier verifier(key.key(), client.mac());
  CHECK(verifier.verify(response, kNow) == Status::good);
  CHECK(verifier.error() == 18);
  CHECK(verifier.server_time() == kNow + 3600);
}

TEST_CASE("tsig: a stream of messages, of which some are not signed") {
  const OwnKey key = make_key();
  Signer client(key.key());
  const Message request = sign(client, message());
  const Ring ring = ring_of();
  Signer server(verify_request(request, ring, kNow));
  std::vector<Message> stream;
  for (int i = 0; i < 5; ++i) stream.push_back(sign(server, message(true)));

  Verifier whole(key.key(), client.mac());
  for (const Message& one : stream) CHECK(whole.verify(one, kNow) == Status::good);
  Verifier missing(key.key(), client.mac());
  CHECK(missing.verify(stream[0], kNow) == Status::good);
  CHECK(missing.verify(stream[2], kNow) == Status::badsig);
  Verifier later(key.key(), client.mac());
  CHECK(later.verify(stream[1], kNow) == Status::badsig);

  Verifier endless(key.key(), client.mac());
  CHECK(endless.verify(stream[0], kNow) == Status::good);
  for (int i = 0; i < 99; ++i) CHECK(endless.verify(message(true), kNow) == Status::none);
  CHECK(endless.verify(message(true), kNow) == Status::badsig);
}

TEST_CASE("tsig: keys are found by name") {
  const Ring ring = ring_of();
  CHECK(ring.count() == 2);
  CHECK(ring.find(dns::Name::parse("KEY.example").value())->secret.size() == 32);
  CHECK_FALSE(ring.find(dns::Name::parse("example").value()));
  CHECK_FALSE(Ring().find(dns::Name()));
  CHECK_FALSE(Ring::find(ring.bytes().first(7), dns::Name::parse("other").value()));
  std::vector<OwnKey> twice;
  for (int i = 0; i < 2; ++i) twice.push_back(make_key());
  CHECK(Ring::make(twice).error().text() == "there are two keys 'key.example.'");
}

std::string error_of_key(std::string_view algorithm, std::string_view secret) {
  const auto key = OwnKey::make("a.", algorithm, secret);
  return key ? "" : key.error().text();
}

TEST_CASE("tsig: keys that are none") {
  CHECK(error_of_key("HMAC-SHA512.", kSecret) == "");
  CHECK(error_of_key("hmac-md5", kSecret) ==
        "'hmac-md5' is not a TSIG algorithm that is known here; they are hmac-sha1, hmac-sha224, hmac-sha256, "
        "hmac-sha384 and hmac-sha512");
  CHECK(error_of_key("hmac-sha256-120", kSecret) ==
        "'hmac-sha256-120': a MAC of hmac-sha256 has 128 to 256 bits, in steps of 8 (RFC 8945 section 5.2.2.1)");
  CHECK(error_of_key("", "c2VjcmV0!") == "the secret of 'a.' is not valid base64");
  CHECK(error_of_key("", "") == "the secret of 'a.' is empty");
}

std::string read_keys(std::string_view text) {
  const auto keys = read_key_file(text, "keys");
  if (!keys) return keys.error().text();
  std::string names;
  for (const OwnKey& key : *keys) names += formatted("{} {}; ", key.key().name.to_string(), key.key().mac_size);
  return names;
}

TEST_CASE("tsig: key files") {
  CHECK(read_keys("") == "");
  CHECK(read_keys("# hi\nkey \"a.\" {\n\talgorithm hmac-sha512; // x\n\tsecret \"MTIzNA==\";\n};\n/* y\n */ key b { "
                  "secret MTIzNA==; }") == "a. 64; b. 32; ");
  CHECK(read_keys("key a {\n secret MTIzNA==\n};") == "keys:3: expected ';'");
  CHECK(read_keys("key a {\n};") == "keys:2: the key 'a' has no secret");
  CHECK(read_keys("\nkey a { secret \"x\n") == "keys:2: a quotation mark is not closed");
  CHECK(read_keys("key a { secret \"*\"; };") == "keys:1: the secret of 'a.' is not valid base64");
  CHECK(read_keys("zone a { };") == "keys:1: expected 'key NAME { … };'");
  CHECK(read_keys("/* key") == "keys:1: a comment is not closed");
  CHECK(read_keys("key a {") == "keys:1: expected 'algorithm', 'secret' or '}' within a key");
}

}  // namespace
}  // namespace swage::tsig
