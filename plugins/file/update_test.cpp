// Updates of a zone without a server: what the Corefile may say, the journal, and requests one after another.
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include <array>
#include <csignal>
#include <cstddef>
#include <filesystem>
#include <thread>

#include <fmt/format.h>

#include "plugins/file/file.h"
#include "tests/support/log_capture.h"
#include "tests/support/loopback.h"
#include "tests/support/plugin_harness.h"
#include "tests/support/service_run.h"
#include "tests/support/update_client.h"

#include <catch2/catch.hpp>  // last: its CHECK is the one that counts here

using namespace swage;
using namespace std::chrono_literals;
using plugins::file::JournalFile;
using tests::Folder;
using tests::PluginHarness;

namespace {

constexpr std::array kPlugins = {PluginType{"file", &plugins::file::setup}};
constexpr std::string_view kSecret = "c3dhZ2UgdXBkYXRlIHRlc3Qgc2VjcmV0IG9mIDMyIGI=";
constexpr std::string_view kZone = "$TTL 60\n@ SOA ns host 10 2 3 4 5\n@ NS ns\nns A 192.0.2.1\n";

std::string setup_error(std::string_view block, std::string_view zones = "") {
  return PluginHarness::setup_error(
      kPlugins, fmt::format("example.org {{\n file zone {} {{\n  update {{\n{}  }}\n }}\n}}", zones, block));
}

update::JournalEntry entry(std::string_view owner) {
  return {1, {}, {{}, {{*dns::Name::parse(owner), dns::Type::a, 60, {192, 0, 2, 1}}}}};
}

std::vector<std::uint8_t> bytes_of(const update::JournalEntry& entry) {
  std::vector<std::uint8_t> bytes;
  update::append_entry(entry, bytes);
  return bytes;
}

// A zone with updates, its service run by the test's own loop; requests are what a dns process hands over.
struct Bench {
  explicit Bench(std::string_view zone = kZone) {
    static_cast<void>(folder.write("zone", zone));
    static_cast<void>(
        folder.write("keys", fmt::format("key all {{ algorithm hmac-sha256; secret \"{}\"; }};", kSecret)));
    std::filesystem::permissions(folder.file("keys"), std::filesystem::perms(0600));
  }
  [[nodiscard]] std::string corefile() const {
    return fmt::format(
        "example.org {{\n file {0}/zone {{\n  update {{\n   secrets {0}/keys\n   key all may change example.org "
        "*.example.org any\n  }}\n }}\n}}",
        folder.path());
  }
  [[nodiscard]] std::string prepare() const { return PluginHarness(kPlugins, corefile()).prepare(); }
  // The answers to these requests, which arrive at once; from a service that begins and ends with them.
  std::vector<std::string> send(const std::vector<std::string>& requests) {
    PluginHarness harness(kPlugins, corefile());
    REQUIRE(harness.prepare() == "");
    Fetch& fetch = *harness.configuration().fetches.front();
    std::map<std::string, std::string> answers;
    std::vector<std::string> keys;
    tests::UpdateClient client({}, "example.org.", "all", kSecret);
    fetch.connect({[&] {
                     for (const std::string& request : requests) {
                       const tests::Packet message = client.signed_message(request);
                       std::string key("\4\300\0\2\7", 5);  // 192.0.2.7
                       keys.push_back(key.append(as_text(message)));
                       static_cast<void>(fetch.want(keys.back()));
                     }
                   },
                   [&](std::string_view key, bool) { answers[std::string(key)] = "failed"; },
                   [&](std::string_view key, Bytes response) {
                     answers[std::string(key)] = to_string(static_cast<dns::Rcode>(response[3] & 0x0F));
                   }});
    Service& updates = *harness.configuration().services.at(1).service;
    CHECK(tests::run_until(updates, 5ms, [&] { return answers.size() == requests.size(); }));
    zone = harness.ask("example.org. SOA");
    std::vector<std::string> in_order;
    for (const std::string& key : keys) in_order.push_back(answers[key]);
    return in_order;
  }

  Folder folder;
  std::string zone;  // its SOA
};

}  // namespace

TEST_CASE("file update: setup") {
  constexpr std::string_view kSecrets = "   secrets keys\n";
  const auto with = [&](std::string_view line) {
    return setup_error(std::string(kSecrets) + "   " + std::string(line) + "\n");
  };
  CHECK(with("key a may change example.org any") == "");
  CHECK(with("key a may change example.org *.example.org A AAAA TYPE65280\n   journal j\n   serial date") == "");
  CHECK(setup_error("") == "Corefile:3: file: update: expected 'secrets FILE' in its block");
  CHECK(setup_error(kSecrets) == "Corefile:3: file: update: expected 'key NAME may change NAME… TYPES…' in its block");
  CHECK(with("key a could change example.org any") == "Corefile:5: file: key: expected 'may', not 'could'");
  CHECK(with("key a may change") == "Corefile:5: file: key: expected a name or *.NAME of example.org.");
  CHECK(with("key a may change example.org") == "Corefile:5: file: key: expected types, or 'any'");
  CHECK(with("key a may change example.org any A") == "Corefile:5: file: key: 'any' and other types");
  CHECK(with("key a may change example.com any") ==
        "Corefile:5: file: key: 'example.com' is not in the zone example.org.");
  CHECK(with("key a may change example.org foo") ==
        "Corefile:5: file: key: 'foo' is neither a type nor a name with a dot");
  CHECK(with("key a may change example.org RRSIG") ==
        "Corefile:5: file: key: RRSIG records cannot be changed by updates");
  CHECK(with("key a may change example.org AXFR") ==
        "Corefile:5: file: key: AXFR records cannot be changed by updates");
  CHECK(with("serial random").starts_with("Corefile:5: file: serial: expected "));
  CHECK(PluginHarness::setup_error(
            kPlugins,
            "a.test b.test {\n file x a.test {\n  update {\n   secrets k\n   key a may change a.test "
            "any\n   journal j\n  }\n }\n file y b.test {\n  update {\n   secrets k\n   key a may "
            "change b.test any\n   journal j\n  }\n }\n}") ==
        "Corefile:10: file: update: the journal j is that of a.test.");
  CHECK(setup_error("", "").starts_with("Corefile:3: "));
  CHECK(
      PluginHarness::setup_error(kPlugins,
                                 "example.org {\n file x {\n  images i\n  update {\n   secrets k\n   key a may change "
                                 "example.org any\n  }\n }\n}") ==
      "Corefile:4: file: update: 'images' are not kept of a zone that takes updates");
  CHECK(with("sceret x").starts_with("Corefile:5: file: unknown property 'sceret'; did you mean 'secrets'?"));
  CHECK(setup_error(kSecrets, "a.test b.test").starts_with("Corefile:3: file: update: is for one zone"));
}

TEST_CASE("file update: what keeps a zone from being updated is said at the start") {
  const Bench bench;
  CHECK(bench.prepare() == "");
  CHECK_FALSE(std::filesystem::exists(bench.folder.file("zone.journal")));  // -check makes nothing
  static_cast<void>(bench.folder.write("keys", "key other { algorithm hmac-sha256; secret \"AAAA\"; };"));
  CHECK(bench.prepare() == "Corefile:2: update: " + bench.folder.file("keys") + ": there is no key all.");
  static_cast<void>(bench.folder.write("keys", "key all {"));
  CHECK(bench.prepare().starts_with("Corefile:2: " + bench.folder.file("keys") + ":1: "));
  std::filesystem::remove(bench.folder.file("keys"));
  CHECK(bench.prepare() == "Corefile:2: " + bench.folder.file("keys") + ": No such file or directory");
  const Bench other;
  static_cast<void>(other.folder.write("zone.journal", "something else"));
  CHECK(other.prepare() == "Corefile:2: " + other.folder.file("zone.journal") + ": not a journal of swage's");
}

TEST_CASE("file update: requests that arrive together are done one after the other, and kept") {
  Bench bench;
  using Answers = std::vector<std::string>;
  CHECK(bench.send({"prereq nxdomain a.example.org.\nadd a.example.org. 5 TXT x",
                    "prereq nxdomain a.example.org.\nadd a.example.org. 5 TXT y", "add b.example.org. 5 TXT z"}) ==
        Answers{"NOERROR", "YXDOMAIN", "NOERROR"});
  CHECK(bench.zone.find(" 12 2 3 4 5") != std::string::npos);
  CHECK(bench.send({"prereq yxrrset a.example.org. TXT x\ndel b.example.org. TXT"}) == Answers{"NOERROR"});
  CHECK(bench.zone.find(" 13 2 3 4 5") != std::string::npos);
}

TEST_CASE("file update: one that no zone can have spoils none of the others") {
  Bench bench;
  std::string huge;  // an RRset that no message has room for
  for (int i = 0; i < 250; ++i) huge += fmt::format("add huge.example.org. 5 TXT {}{:03}\n", std::string(200, 'q'), i);
  std::string more = huge;
  std::ranges::replace(more, 'q', 'z');
  CHECK(bench.send({"add c.example.org. 5 TXT x", huge, more,
                    "prereq yxdomain huge.example.org.\nadd d.example.org. 5 TXT x"}) ==
        std::vector<std::string>{"NOERROR", "NOERROR", "REFUSED", "NOERROR"});
  CHECK(bench.zone.find(" 13 2 3 4 5") != std::string::npos);
}

TEST_CASE("file update: two that lead the serial on by half of all numbers each are two versions") {
  Bench bench;
  const auto soa = [](std::string_view serial) {
    return fmt::format("add example.org. 60 SOA ns.example.org. host.example.org. {} 2 3 4 5", serial);
  };
  CHECK(bench.send({soa("2147483657"), soa("8"), "add a.example.org. 5 TXT x"}) ==
        std::vector<std::string>{"NOERROR", "NOERROR", "NOERROR"});
  CHECK(bench.zone.find(" 9 2 3 4 5") != std::string::npos);
}

TEST_CASE("file update: a zone file with other records and no greater serial is refused, with both names") {
  Bench bench;
  static_cast<void>(bench.send({"add a.example.org. 5 TXT x", "add b.example.org. 5 TXT x"}));
  const auto changed = [&](std::string_view serial) {
    std::string text(kZone);
    text.replace(text.find(" 10 "), 4, fmt::format(" {} ", serial));
    static_cast<void>(bench.folder.write("zone", text + "new A 192.0.2.9\n"));
  };
  changed("12");
  const std::string error = bench.prepare();
  CHECK(error.find(bench.folder.file("zone") + " has changed, and its serial 12 is not greater than 12") !=
        std::string::npos);
  CHECK(error.find(bench.folder.file("zone.journal")) != std::string::npos);
  changed("13");
  CHECK(bench.send({"prereq nxdomain a.example.org."}) == std::vector<std::string>{"NOERROR"});
  CHECK(bench.zone.find(" 13 2 3 4 5") != std::string::npos);
  // A comment is no change.
  static_cast<void>(bench.send({"add a.example.org. 5 TXT x"}));
  static_cast<void>(bench.folder.write("zone", tests::read_file(bench.folder.file("zone")) + "; nothing\n"));
  CHECK(bench.prepare() == "");
}

TEST_CASE("file update: an entry that was not written to its end is thrown away, and said") {
  Bench bench;
  static_cast<void>(bench.send({"add a.example.org. 5 TXT x"}));
  const std::string journal = bench.folder.file("zone.journal");
  const std::string whole = tests::read_file(journal);
  static_cast<void>(bench.send({"add b.example.org. 5 TXT x"}));
  const std::string longer = tests::read_file(journal);
  for (const std::size_t cut : {std::size_t{1}, std::size_t{7}, longer.size() - whole.size() - 1}) {
    static_cast<void>(bench.folder.write("zone.journal", longer.substr(0, longer.size() - cut)));
    tests::LogCapture log;
    CHECK(bench.send({"prereq nxdomain b.example.org.\nadd c.example.org. 5 TXT x"}) ==
          std::vector<std::string>{"NOERROR"});
    CHECK(log.take().find("the last entry was not written to its end; ") != std::string::npos);
  }
}

TEST_CASE("file journal: where the disk is full it is as it was, and goes on later") {
  const Folder folder;
  JournalFile journal(folder.file("j"));
  REQUIRE(*journal.lock());
  REQUIRE(journal.begin(update::write_start({{}, 1})));
  REQUIRE(journal.append(bytes_of(entry("a.example.org"))));
  const std::string before = tests::read_file(journal.path());
  rlimit old{};
  REQUIRE(getrlimit(RLIMIT_FSIZE, &old) == 0);
  const auto ignored = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit full{before.size() + 10, old.rlim_max};
  REQUIRE(setrlimit(RLIMIT_FSIZE, &full) == 0);
  const Result<> failed = journal.append(bytes_of(entry("b.example.org")));
  const Result<> not_replaced = journal.begin(std::vector<std::uint8_t>(before.size() + 100));
  REQUIRE(setrlimit(RLIMIT_FSIZE, &old) == 0);
  static_cast<void>(std::signal(SIGXFSZ, ignored));
  REQUIRE_FALSE(failed);
  CHECK(failed.error().text() == journal.path() + ": File too large");
  CHECK_FALSE(not_replaced);
  CHECK(tests::read_file(journal.path()) == before);
  CHECK_FALSE(std::filesystem::exists(journal.path() + ".new"));
  REQUIRE(journal.append(bytes_of(entry("c.example.org"))));
  const auto contents = journal.read();
  REQUIRE(contents);
  CHECK((*contents)->entries.size() == 2);
}

namespace {

// Of the thread that calls it, to its end: fdatasync() fails as on a disk that is broken.
void break_disk() {
  sock_filter program[] = {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
                           BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_fdatasync, 0, 1),
                           BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EIO),
                           BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
  const sock_fprog filter{.len = std::size(program), .filter = program};
  REQUIRE(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
  REQUIRE(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter, 0, 0) == 0);
}

}  // namespace

TEST_CASE("file journal: a disk that fails loses nothing that was acknowledged, and is used again when it works") {
  const Folder folder;
  JournalFile journal(folder.file("j"));
  REQUIRE(*journal.lock());
  REQUIRE(journal.begin(update::write_start({{}, 1})));
  REQUIRE(journal.append(bytes_of(entry("a.example.org"))));
  const std::string before = tests::read_file(journal.path());
  std::vector<std::string> said;
  std::thread broken([&] {
    break_disk();
    for (int i = 0; i < 3; ++i) said.push_back(journal.append(bytes_of(entry("b.example.org"))).error().text());
  });
  broken.join();
  for (const std::string& each : said) CHECK(each == journal.path() + ": Input/output error");
  CHECK(tests::read_file(journal.path()) == before);
  REQUIRE(journal.append(bytes_of(entry("c.example.org"))));
  const auto contents = journal.read();
  REQUIRE(contents);
  REQUIRE((*contents)->entries.size() == 2);
  CHECK((*contents)->whole == (*contents)->size);
}

TEST_CASE("file journal: one process at a time writes it, and one that is replaced is noticed") {
  const Folder folder;
  JournalFile first(folder.file("j")), second(folder.file("j"));
  CHECK(*first.lock());
  CHECK_FALSE(*second.lock());
  REQUIRE(first.begin(update::write_start({{}, 1})));  // another file under the same name
  CHECK_FALSE(*second.lock());
  first.unlock();
  CHECK(*second.lock());
  CHECK(second.size() == update::kJournalStart);
  CHECK_FALSE(*first.lock());
  JournalFile nowhere(folder.file("none/j"));
  CHECK_FALSE(nowhere.lock());
  CHECK(nowhere.check_access().error().text() == "the journal " + nowhere.path() + " has to be written: " +
                                                     folder.file("none/") + ": No such file or directory");
}
