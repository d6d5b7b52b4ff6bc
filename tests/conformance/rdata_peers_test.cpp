// The data of every record type, as swage sees them and as BIND (named-checkzone, named-compilezone), Knot DNS
// (kzonecheck) and ldns (ldns-read-zone) do: the forms of rdata.yaml, and mutants of them. A difference that
// explained_rdata.h does not explain fails the test; SWAGE_SHOW=1 prints how often each explanation was used.
//
// SWAGE_SEED in the environment makes other mutants than those of every day, SWAGE_MUTANTS another number.
#include <cstdlib>
#include <map>
#include <random>

#include "core/zonefile/record_parser.h"
#include "tests/conformance/explained_rdata.h"
#include "tests/support/peers.h"
#include "tests/support/rdata_forms.h"
#include "tests/support/rdata_mutants.h"
#include "tests/support/rdata_peers.h"

#include <catch2/catch.hpp>

namespace swage::tests {
namespace {

// What swage says of the record: its wire form, or why not.
struct Said {
  bool taken;
  std::string text;
};

Said said_by_swage(const std::string& record) {
  zonefile::RecordParser parser;
  const auto done = parser.parse("r. 60 IN " + record);
  return done ? Said{true, hex(parser.rdata())} : Said{false, done.error().text()};
}

std::vector<std::string> table() {
  std::vector<std::string> records;
  for (const RdataForm& form : rdata_forms()) {
    if (form.type != "SOA") records.push_back(form.type + " " + form.text);  // a zone has one
  }
  return records;
}

class Comparison {
 public:
  explicit Comparison(std::vector<std::string> records) : records_(std::move(records)) {
    for (const std::string& record : records_) swage_.push_back(said_by_swage(record));
  }

  // Without the malformed ones in the form of RFC 3597, on some of which kzonecheck never ends.
  [[nodiscard]] std::vector<std::string> for_knot() const {
    std::vector<std::string> records;
    for (std::size_t i = 0; i < records_.size(); ++i) {
      if (swage_[i].taken || records_[i].find("\\#") == std::string::npos) records.push_back(records_[i]);
    }
    return records;
  }

  void with(const std::string& peer, const std::vector<bool>& taken) {
    REQUIRE(taken.size() == records_.size());
    std::size_t unexplained = 0;
    for (std::size_t i = 0; i < records_.size(); ++i) {
      if (taken[i] == swage_[i].taken) continue;
      const RdataDifference difference{peer, records_[i], swage_[i].taken, swage_[i].text};
      if (const char* reason = explained_rdata(difference)) {
        ++explained_[peer + ": " + reason];
      } else if (++unexplained <= (std::getenv("SWAGE_SHOW") != nullptr ? 1000 : 20)) {
        FAIL_CHECK(peer << (taken[i] ? " takes " : " refuses ") << records_[i] << "\n    swage: " << swage_[i].text);
      }
    }
    CHECK(unexplained == 0);
    // A peer that could not be asked at all would take nothing, or everything.
    CHECK(std::ranges::count(taken, true) > static_cast<std::ptrdiff_t>(taken.size() / 10));
    CHECK(std::ranges::count(taken, false) > static_cast<std::ptrdiff_t>(taken.size() / 10));
  }

  // Those that swage and BIND take are the same bytes.
  void same_wire(const Folder& folder, const std::vector<bool>& taken_by_bind) const {
    std::vector<std::string> both, expected;
    for (std::size_t i = 0; i < records_.size(); ++i) {
      if (!swage_[i].taken || !taken_by_bind[i]) continue;
      both.push_back(records_[i]);
      expected.push_back(swage_[i].text);
    }
    const auto wire = wire_by_bind(folder, both);
    for (std::size_t i = 0; i < both.size(); ++i) {
      if (wire[i] == expected[i] || explained_wire(both[i])) continue;
      FAIL_CHECK(both[i] << "\n    swage: " << expected[i] << "\n    BIND:  " << wire[i]);
    }
  }

  void show() const {
    if (std::getenv("SWAGE_SHOW") == nullptr) return;
    for (const auto& [reason, count] : explained_) std::fprintf(stderr, "%5zu %s\n", count, reason.c_str());
  }

 private:
  std::vector<std::string> records_;
  std::vector<Said> swage_;
  std::map<std::string, std::size_t> explained_;
};

void compare(std::vector<std::string> records) {
  const Folder folder;
  Comparison comparison(records);
  if (have_peer("named-checkzone") && have_peer("named-compilezone")) {
    const auto taken = taken_by_bind(folder, records);
    comparison.with("BIND", taken);
    comparison.same_wire(folder, taken);
  }
  if (have_peer("kzonecheck")) {
    const std::vector<std::string> some = comparison.for_knot();
    Comparison knot(some);
    knot.with("Knot", taken_by_knot(folder, some));
    knot.show();
  }
  if (have_peer("ldns-read-zone")) comparison.with("ldns", taken_by_ldns(folder, records));
  comparison.show();
}

TEST_CASE("rdata: BIND, Knot DNS and ldns see every form of the table as swage does, or it is explained") {
  compare(table());
}

TEST_CASE("rdata: the same of mutants") {
  const unsigned seed = number_from("SWAGE_SEED", 1);
  const unsigned count = number_from("SWAGE_MUTANTS", 300);
  INFO("SWAGE_SEED=" << seed << " SWAGE_MUTANTS=" << count);
  compare(rdata_mutants(count, seed));
}

}  // namespace
}  // namespace swage::tests
