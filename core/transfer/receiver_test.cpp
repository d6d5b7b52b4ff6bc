#include "core/transfer/receiver.h"

#include <array>
#include <span>
#include <string>

#include <fmt/format.h>

#include "core/transfer/request.h"
#include "core/zone/diff.h"
#include "core/zone/view.h"
#include "tests/support/transfer_message.h"
#include "tests/support/zone_answers.h"

#include <catch2/catch.hpp>  // last: its CHECK is the one that counts here

namespace swage::transfer {
namespace {

using tests::Packet;
using tests::transfer_message;

constexpr std::uint16_t kId = 0x1234;

Request request(std::optional<std::uint32_t> serial = {}) { return {*dns::Name::parse("example.org."), kId, serial}; }

// The messages, each with its records on lines; what comes of them: "whole 5", "changes 5", "current 5", "unfinished",
// or the Error and the number of the message.
struct Taken {
  explicit Taken(std::initializer_list<const char*> messages, std::optional<std::uint32_t> serial = {},
                 const Limits& limits = {})
      : receiver(request(serial), limits) {
    unsigned number = 0;
    for (const char* const text : messages) {
      ++number;
      const Packet message = transfer_message(kId, "example.org.", serial ? "IXFR" : "AXFR", text);
      const Result<bool> taken = receiver.take(message);
      if (!taken) result = fmt::format("{}: {}", number, taken.error().text());
      if (!taken) return;
      if (!*taken) continue;
      constexpr std::array kForms = {"unknown", "current", "whole", "changes"};
      result = fmt::format("{} {}", kForms[static_cast<std::size_t>(receiver.form())], receiver.serial());
      if (number != messages.size()) result += " too early";
      return;
    }
  }

  // All records of the zone that comes of it; `before` is the one that changes.
  std::string records(std::string_view before = {}) {
    zone::Builder builder(*dns::Name::parse("example.org."));
    if (receiver.form() == Receiver::Form::changes) {
      const tests::TestZone old(before, "example.org.");
      const Result<> applied = zone::apply(old.bytes(), receiver.changes(), builder);
      if (!applied) return applied.error().text();
    } else {
      builder = std::move(receiver.zone());
    }
    if (const Result<> finished = builder.finish(); !finished) return finished.error().text();
    std::vector<std::uint64_t> image((builder.image_size() + 7) / 8);
    const MutableBytes bytes(reinterpret_cast<std::uint8_t*>(image.data()), builder.image_size());
    builder.write(bytes);
    return tests::records_text(bytes);
  }

  Receiver receiver;
  std::string result = "unfinished";
};

#define SOA(serial) "example.org. 60 SOA ns. host. " #serial " 7200 3600 1209600 300\n"
#define A(owner, last) #owner ".example.org. 60 A 192.0.2." #last "\n"

}  // namespace

TEST_CASE("transfer: AXFR, in one message or in many") {
  const std::string all = SOA(5) "example.org. 60 NS ns.\n" A(a, 1) A(b, 2) SOA(5);
  Taken one({all.c_str()});
  CHECK(one.result == "whole 5");
  Taken many({SOA(5), "example.org. 60 NS ns.\n", A(a, 1), A(b, 2), SOA(5)});
  CHECK(many.result == "whole 5");
  const std::string records = one.records();
  CHECK(records.find("b.example.org. 60 IN A 192.0.2.2\n") != std::string::npos);
  CHECK(many.records() == records);
  CHECK(Taken({SOA(5), A(a, 1)}).result == "unfinished");
  CHECK(Taken({SOA(5) SOA(5)}).result == "whole 5");
  Taken outside({SOA(5) A(a, 1) "a.example.net. 60 A 192.0.2.1\n" SOA(5)});
  CHECK(outside.result == "whole 5");
  CHECK(outside.receiver.outside() == 1);
}

TEST_CASE("transfer: what is not an AXFR of the zone is refused") {
  CHECK(Taken({A(a, 1)}).result == "1: it begins with A instead of a SOA record");
  CHECK(Taken({"example.net. 60 SOA ns. host. 5 1 1 1 1\n"}).result ==
        "1: the SOA record of another zone, example.net.");
  CHECK(Taken({SOA(5) A(a, 1) SOA(6)}).result == "1: it ends with another SOA record than it began with");
  CHECK(Taken({SOA(5) A(a, 1) SOA(5) A(b, 1)}).result == "1: records after the end of the zone");
  CHECK(Taken({SOA(5) "a.example.org. 60 SOA ns. host. 5 1 1 1 1\n"}).result ==
        "1: the SOA record of another zone, a.example.org.");
  CHECK(Taken({SOA(5), ""}).result == "2: a message without a record");
  CHECK(Taken({SOA(5) A(a, 1), A(b, 1)}, {}, {.records = 2}).result == "2: the transfer has more than 2 records");
  CHECK(Taken({SOA(5) A(a, 1)}, {}, {.bytes = 100}).result == "1: the transfer has more than 100 bytes");
  CHECK(Taken({SOA(5) A(a, 1) "a.example.org. 60 CNAME b.\n" SOA(5)})
            .records()
            .starts_with("a.example.org. has a CNAME"));
}

TEST_CASE("transfer: messages that are not answers to what was asked are refused") {
  const Packet good = transfer_message(kId, "example.org.", "AXFR", SOA(5) A(a, 1));
  const auto taken = [&](std::size_t at, std::uint8_t bits) {
    Packet message = good;
    message[at] ^= bits;
    Receiver receiver(request(), {});
    const Result<bool> result = receiver.take(message);
    return result ? "" : result.error().text();
  };
  CHECK(taken(0, 0) == "");
  CHECK(taken(1, 1) == "a message with another id");
  CHECK(taken(2, 0x80) == "not a response to a query");
  CHECK(taken(2, 0x10) == "not a response to a query");
  CHECK(taken(2, 0x04) == "");  // AA
  CHECK(taken(2, 0x02) == "a truncated message");
  CHECK(taken(3, 0x05) == "the primary says REFUSED");
  CHECK(taken(5, 3) == "not one question");
  CHECK(taken(13, 0x20) == "");  // case
  CHECK(taken(13, 0x01) == "answers another question");
  CHECK(taken(12 + 13 + 1, 1) == "answers another question");
  Receiver receiver(request(), {});
  for (std::size_t size = 0; size < good.size(); ++size) {
    Receiver cut(request(), {});
    CHECK_FALSE(cut.take(Bytes(good).first(size)));
  }
}

TEST_CASE("transfer: IXFR as changes, as a zone, and as nothing new") {
  const std::string old = SOA(3) A(a, 1) A(b, 1) A(c, 1);
  Taken changes({SOA(5) SOA(3) A(a, 1) SOA(4) A(a, 2), SOA(4) A(a, 2) A(b, 1), SOA(5) A(d, 1) SOA(5)}, 3);
  CHECK(changes.result == "changes 5");
  CHECK(changes.records(old) ==
        "example.org. 60 IN SOA ns. host. 5 7200 3600 1209600 300\nc.example.org. 60 IN A 192.0.2.1\n"
        "d.example.org. 60 IN A 192.0.2.1\n");
  CHECK(Taken({SOA(5) SOA(3) SOA(5) SOA(5)}, 3).records(old).find("c.example.org.") != std::string::npos);
  CHECK(Taken({SOA(5), SOA(3), A(a, 1), SOA(5), A(a, 1), SOA(5)}, 3).result == "changes 5");
  CHECK(Taken({SOA(5) A(a, 1) SOA(5)}, 3).result == "whole 5");
  CHECK(Taken({SOA(5) SOA(5)}, 3).result == "whole 5");
  CHECK(Taken({SOA(3)}, 3).result == "current 3");
  CHECK(Taken({SOA(2)}, 3).result == "current 2");
  CHECK(Taken({SOA(4294967295)}, 3).result == "current 4294967295");
  CHECK(Taken({SOA(3) SOA(4294967295) SOA(3) A(a, 1) SOA(3)}, 4294967295).result == "changes 3");
  CHECK(Taken({SOA(5)}, 3).result == "unfinished");
}

TEST_CASE("transfer: changes that do not join are refused") {
  CHECK(Taken({SOA(5) SOA(4) SOA(5) SOA(5)}, 3).result == "1: changes of serial 4, where 3 comes next");
  CHECK(Taken({SOA(5) SOA(3) SOA(2)}, 3).result == "1: changes from serial 3 back to 2");
  CHECK(Taken({SOA(5) SOA(3) SOA(6)}, 3).result == "1: changes to serial 6, beyond 5");
  CHECK(Taken({SOA(5) SOA(3) SOA(4) SOA(5)}, 3).result == "1: changes of serial 5, where 4 comes next");
  CHECK(Taken({SOA(3) A(a, 1)}, 3).result == "1: serial 3 is not newer than 3, and yet records follow");
  const std::string old = SOA(3) A(a, 1) A(b, 1);
  CHECK(Taken({SOA(5) SOA(3) A(x, 1) SOA(5) SOA(5)}, 3).records(old) ==
        "x.example.org. A is removed, and is not there");
  CHECK(Taken({SOA(5) SOA(3) A(a, 1) A(a, 1) SOA(5) SOA(5)}, 3).records(old) ==
        "a.example.org. A is removed, and is not there");
  CHECK(Taken({SOA(5) SOA(3) SOA(5) A(a, 1) SOA(5)}, 3).records(old) ==
        "a.example.org. A is added, and is there already");
}

TEST_CASE("transfer: records of changes are compared without case and TTL") {
  const std::string old = SOA(3) "m.example.org. 60 MX 5 Mail.example.org.\nt.example.org. 60 TXT Text\n";
  Taken changes(
      {SOA(5) SOA(3) "M.example.org. 5 MX 5 mail.EXAMPLE.org.\n" SOA(5) "m.example.org. 9 MX 5 mail.x.\n" SOA(5)}, 3);
  CHECK(changes.records(old).find("m.example.org. 9 IN MX 5 mail.x.\n") != std::string::npos);
  CHECK(Taken({SOA(5) SOA(3) "t.example.org. 60 TXT text\n" SOA(5) SOA(5)}, 3).records(old) ==
        "t.example.org. TXT is removed, and is not there");
}

TEST_CASE("transfer: questions") {
  CHECK(tests::to_hex(encode(request())) == tests::to_hex(tests::encode({"example.org.", "AXFR", "IN", kId, 0})));
  const std::vector<std::uint8_t> ixfr = encode(request(0x01020304));
  CHECK(load_u16(&ixfr[8]) == 1);
  CHECK(tests::to_hex(Bytes(ixfr).subspan(29)) ==
        tests::to_hex(
            tests::from_hex("c00c 0006 0001 00000000 0016 00 00 01020304 00000000 00000000 00000000 00000000")));
  const auto serial = [](std::string_view type, const char* records) {
    const Result<std::uint32_t> read =
        read_serial(transfer_message(kId, "example.org.", type, records), *dns::Name::parse("example.org."));
    return read ? std::to_string(*read) : read.error().text();
  };
  CHECK(serial("SOA", SOA(7)) == "7");
  CHECK(serial("SOA", "org. 60 SOA ns. host. 5 1 1 1 1\n") == "does not have the zone");
}

}  // namespace swage::transfer
