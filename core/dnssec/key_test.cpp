// Keys and their files, with BIND's and ldns's tools as peers.
#include "core/dnssec/key.h"

#include <sys/stat.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include <fmt/format.h>

#include "core/dnssec/key_file.h"
#include "core/dnssec/key_text.h"
#include "core/whole_file.h"
#include "tests/support/loopback.h"
#include "tests/support/process.h"

#include <catch2/catch.hpp>

namespace swage::dnssec {
namespace {

namespace fs = std::filesystem;

constexpr Algorithm kAll[] = {Algorithm::rsasha256, Algorithm::rsasha512, Algorithm::ecdsap256sha256,
                              Algorithm::ecdsap384sha384, Algorithm::ed25519};

dns::Name name(const char* text) { return dns::Name::parse(text).value(); }

std::string contents(const fs::path& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

// What a line of the shell prints.
std::string output(const std::string& line) {
  const auto run = tests::run({.arguments = {"sh", "-c", line}}, std::chrono::minutes(2));
  INFO(line << "\n" << (run ? *run : run.error().text()));
  REQUIRE(run.has_value());
  return *run;
}

std::string hex(Bytes bytes) {
  std::string text;
  for (const std::uint8_t byte : bytes) text += fmt::format("{:02X}", byte);
  return text;
}

std::string error(const auto& result) { return result ? "no error" : result.error().text(); }

bool signs(const Key& key, const Key& verifier) {
  std::array<std::uint8_t, crypto::kLargestSignature> signature;
  const auto size = key.sign(as_bytes("message"), signature);
  if (!size || *size != key.signature_size()) return false;
  const Bytes made = Bytes(signature).first(*size);
  signature[*size / 2] ^= 1;
  const bool refused = !verifier.verify(as_bytes("message"), made);
  signature[*size / 2] ^= 1;
  return refused && verifier.verify(as_bytes("message"), made) && !verifier.verify(as_bytes("messagf"), made) &&
         !verifier.verify(as_bytes("message"), made.first(*size - 1));
}

StoredKey read(const std::string& path) {
  std::vector<std::string> warnings;
  auto stored = read_key_files(path, Half::allowed, warnings);
  INFO(error(stored));
  REQUIRE(stored.has_value());
  CHECK(warnings.empty());
  return *std::move(stored);
}

}  // namespace

TEST_CASE("key: made, written, read and stored, of each algorithm") {
  const tests::Folder folder;
  for (const Algorithm algorithm : kAll) {
    INFO(name_of(algorithm));
    const auto key = Key::generate(name("Example.ORG"), algorithm, kKsk);
    REQUIRE(key.has_value());
    CHECK(key->can_sign());
    CHECK(key->is_entry_point());
    CHECK(key->zone().view().same_spelling(name("example.org")));
    CHECK(signs(*key, *key));
    CHECK(signs(*key, key->public_half()));
    CHECK_FALSE(key->public_half().can_sign());

    StoredKey stored{*key, {}, 300};
    stored.times.created = 1'800'000'000;
    stored.times.inactive = 1'900'000'000;
    REQUIRE(write_key_files(folder.path(), stored).has_value());
    const StoredKey again = read(folder.path() + "/" + file_name(*key));
    CHECK(again.key == *key);
    CHECK(again.times == stored.times);
    CHECK(again.ttl == 300);
    CHECK(signs(again.key, *key));
    CHECK(fs::status(folder.path() + "/" + file_name(*key) + ".private").permissions() ==
          (fs::perms::owner_read | fs::perms::owner_write));

    const auto loaded = Key::load(key->store().bytes());
    REQUIRE(loaded.has_value());
    CHECK(*loaded == *key);
    CHECK(signs(*loaded, *key));
    const auto half = Key::load(key->public_half().store().bytes());
    REQUIRE(half.has_value());
    CHECK_FALSE(half->can_sign());
    CHECK(*half == *key);
  }
  std::vector<std::string> warnings;
  CHECK(read_key_folder(folder.path(), warnings)->size() == 5);
}

TEST_CASE("key: dnssec-keygen's and ldns-keygen's files are read") {
  const tests::Folder folder;
  for (const char* const arguments :
       {"-a 8 -b 1024", "-a 10 -b 2048 -f KSK", "-a 13 -f KSK", "-a 14 -P +1d -A +2d -I +3d -D +4d", "-a 15 -L 300"}) {
    std::string base = output(fmt::format("dnssec-keygen -q -K {} {} example.org", folder.path(), arguments));
    base.pop_back();
    INFO(base);
    const StoredKey stored = read(folder.path() + "/" + base);
    CHECK(signs(stored.key, stored.key.public_half()));
    CHECK(file_name(stored.key) == base);
    CHECK(stored.times.created.has_value());
    const std::string ds = output(fmt::format("dnssec-dsfromkey -a SHA-256 -a SHA-384 {}/{}.key", folder.path(), base));
    for (const DsDigest digest : {DsDigest::sha256, DsDigest::sha384}) {
      CHECK_THAT(ds, Catch::Contains(hex(Bytes(ds_of(stored.key, digest)).subspan(4))));
    }
    const std::string written = contents(fs::path(folder.path()) / (base + ".private"));
    CHECK(as_text(private_text(stored).bytes()) == written);  // to the byte
    CHECK(parse_key(public_text(stored), written)->times == stored.times);
  }
  for (const char* const algorithm : {"RSASHA256", "ECDSAP256SHA256", "ECDSAP384SHA384", "ED25519"}) {
    std::string base = output(fmt::format("cd {} && ldns-keygen -k -a {} example.net", folder.path(), algorithm));
    base.pop_back();
    INFO(base);
    const StoredKey stored = read(folder.path() + "/" + base);
    CHECK(signs(stored.key, stored.key.public_half()));
  }
}

TEST_CASE("key: BIND's and ldns's tools take ours") {
  const tests::Folder folder;
  std::ofstream(folder.path() + "/zone") << "$TTL 60\n@ SOA ns mail 1 60 60 60 60\n@ NS ns\nns A 192.0.2.1\n";
  std::string ldns_keys;
  for (const Algorithm algorithm : kAll) {
    INFO(name_of(algorithm));
    const auto key = Key::generate(name("example.org"), algorithm, kKsk);
    const std::int64_t now = 1'700'000'000;
    const KeyTimes times{.created = now, .publish = now, .activate = now};
    REQUIRE(write_key_files(folder.path(), {*key, times, {}}).has_value());
    const std::string base = folder.path() + "/" + file_name(*key);
    output(fmt::format("dnssec-dsfromkey {}.key", base));
    output(fmt::format("dnssec-signzone -d {0} -P -z -o example.org -K {0} -S -f {0}/signed {0}/zone", folder.path()));
    output(fmt::format("dnssec-verify -z -o example.org {}/signed", folder.path()));
    output(fmt::format("ldns-signzone -o example.org -f {0}/ldns {0}/zone {1}", folder.path(), base));
    output(fmt::format("ldns-verify-zone {}/ldns", folder.path()));
    REQUIRE(remove_key_files(folder.path(), *key).has_value());
    CHECK_FALSE(fs::exists(base + ".private"));
  }
}

TEST_CASE("key: what is wrong with a file is said") {
  const tests::Folder folder;
  const auto key = Key::generate(name("example.org"), Algorithm::ecdsap256sha256, kZsk);
  const auto other = Key::generate(name("example.org"), Algorithm::ecdsap256sha256, kZsk);
  const auto rsa = Key::generate(name("example.org"), Algorithm::rsasha256, kZsk);
  const std::string shown = public_text({*key, {}, {}}), hidden(as_text(private_text({*key, {}, {}}).bytes()));
  const std::string other_hidden(as_text(private_text({*other, {}, {}}).bytes()));
  const std::string rsa_shown = public_text({*rsa, {}, {}}), rsa_hidden(as_text(private_text({*rsa, {}, {}}).bytes()));
  const auto says = [](const std::string& public_file, const std::string& private_file) {
    return error(Key::read(public_file, private_file));
  };
  const std::string expected = "expected 'ZONE [TTL] [IN] DNSKEY FLAGS 3 ALGORITHM KEY'";
  CHECK(says("", "") == expected);
  CHECK(says("example.org. IN A 192.0.2.1", "") == expected);
  CHECK(says("example.org. IN DNSKEY 256 3 13", "") == expected);
  CHECK(says("example.org. IN DNSKEY 65536 3 13 AAAA", "") == expected);
  CHECK(says("example.org. IN DNSKEY 256 3 5 AAAA", "") ==
        "keys of algorithm 5 are not supported: 8, 10, 13, 14 or 15");
  CHECK(says("example.org. IN DNSKEY 256 3 RSAMD5 AAAA", "") == "'RSAMD5' is not an algorithm that is supported");
  CHECK(says("example.org. IN DNSKEY 256 3 13 AAAA", "") == "a key of P-256 has 64 bytes, not 3");
  CHECK(says("example.org. IN DNSKEY 256 3 15 AAAA", "") == "an Ed25519 key has 32 bytes, not 3");
  CHECK(says("example.org. IN DNSKEY 256 3 8 AAAA", "") == "the RSA key is cut short");
  CHECK(says("example.org. IN DNSKEY 256 3 8 AwEAAYAB", "") ==
        "an RSA key of 16 bits: between 1024 and 4096 are allowed");
  CHECK(says("example.org. IN DNSKEY 0 3 15 " + std::string(43, 'A') + "=", "") ==
        "the key's flags, 0, are not those of a zone's key: 256 or 257");
  CHECK(says("example.org. IN DNSKEY 256 3 13 " + std::string(86, 'A') + "==", "") == "the key is not one of P-256");
  CHECK(says(shown + shown, "") == "the public key is not base64, or there is a second record");
  CHECK(says(shown, "x") == "the private key is not in BIND's format, version 1");
  CHECK(says(shown, other_hidden) == "the private key is not that of the public key");
  CHECK(says(shown, rsa_hidden) == "the private key is of another algorithm than the public key");
  CHECK(says(shown, hidden.substr(0, hidden.size() / 2)) == "the private key has no line 'PrivateKey:'");
  CHECK(says(shown, hidden + "Label: pkcs11:x\n") == "the private key is in a hardware module, not in the file");
  for (std::size_t size = 0; size < rsa_hidden.size(); ++size) {
    const bool whole = size + 1 >= rsa_hidden.size();
    if (Key::read(rsa_shown, rsa_hidden.substr(0, size)).has_value() != (size == 0 || whole)) FAIL_CHECK(size);
  }
  const auto p = rsa->private_numbers();
  CHECK(error(crypto::SigningKey::from_private(crypto::SignatureScheme::rsa_sha256, rsa->public_key(), {})) ==
        "the private key is missing");

  CHECK(error(parse_key(shown, hidden + "Created: 20261345000000\n")) ==
        "Created: '20261345000000' is not a time of 14 digits");
  std::vector<std::string> warnings;
  REQUIRE(write_key_files(folder.path(), {*key, {}, {}}).has_value());
  const std::string base = folder.path() + "/" + file_name(*key);
  chmod((base + ".private").c_str(), 0644);
  CHECK(read_key_files(base + ".key", Half::refused, warnings).has_value());
  CHECK(warnings ==
        std::vector<std::string>{fmt::format(
            "{0}.private: everybody on this machine may use this private key: chmod o= {0}.private", base)});
  std::ofstream(base + ".private", std::ios::trunc);
  CHECK(error(read_key_files(base, Half::allowed, warnings)) == base + ".private: the file is empty");
  fs::remove(base + ".private");
  CHECK(read_key_files(base, Half::allowed, warnings).has_value());
  CHECK(error(read_key_files(base, Half::refused, warnings)) == base + ".private: No such file or directory");
  fs::remove(base + ".key");
  CHECK(error(read_key_files(base, Half::allowed, warnings)) == base + ".key: No such file or directory");
}

TEST_CASE("key: what was stored and damaged is an error or another key, and never more") {
  const auto key = Key::generate(name("example.org"), Algorithm::ed25519, kZsk);
  const crypto::Secret stored = key->store();
  const std::vector<std::uint8_t> bytes(stored.bytes().begin(), stored.bytes().end());
  for (std::size_t size = 0; size < bytes.size(); ++size) CHECK_FALSE(Key::load(Bytes(bytes).first(size)).has_value());
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    std::vector<std::uint8_t> changed = bytes;
    changed[i] ^= 0x55;
    if (const auto loaded = Key::load(changed)) CHECK((!(*loaded == *key) || !loaded->can_sign()));
  }
}

TEST_CASE("key: names of files, times and algorithms") {
  const auto file = [](const char* zone) {
    const std::string made = file_name(*Key::generate(name(zone), Algorithm::ed25519, kZsk));
    return made.substr(0, made.rfind('+'));
  };
  CHECK(file("Example.ORG") == "Kexample.org.+015");
  CHECK(file(".") == "K.+015");
  CHECK(file("a/b.\\042.x-_1.") == "Ka%2Fb.%2A.x-_1.+015");
  CHECK(time_text(1'796'055'973) == "20261130162613");
  CHECK(parse_time("20261130162613") == 1'796'055'973);
  CHECK(parse_time("20260230000000") == std::nullopt);
  CHECK(parse_time("2026113016261") == std::nullopt);
  CHECK(readable_time(1'796'055'973) == "2026-11-30 16:26:13 UTC");
  CHECK(parse_algorithm("ecdsap256sha256") == Algorithm::ecdsap256sha256);
  CHECK(parse_algorithm("13") == Algorithm::ecdsap256sha256);
  CHECK(parse_algorithm("5") == std::nullopt);
  CHECK(parse_algorithm("") == std::nullopt);
  CHECK(key_tag(std::vector<std::uint8_t>{1, 1, 3, 13, 0xFF}) == 0x030F);
}

}  // namespace swage::dnssec
