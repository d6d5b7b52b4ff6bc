#include "tests/support/rdata_peers.h"

#include <charconv>
#include <map>
#include <span>
#include <utility>

#include "core/bytes.h"
#include "tests/support/process.h"
#include "tests/support/rdata_forms.h"

#include <fmt/format.h>

namespace swage::tests {
namespace {

constexpr std::string_view kHead = "$TTL 60\n@ SOA ns hostmaster 1 7200 3600 1209600 300\n@ NS ns\nns A 192.0.2.1\n";
constexpr std::size_t kHeadLines = 4;
constexpr Milliseconds kPatience{20000};

std::string zone_of(std::span<const std::string> records) {
  std::string text(kHead);
  for (std::size_t i = 0; i < records.size(); ++i) text += fmt::format("r{} {}\n", i, records[i]);
  return text;
}

// Both outputs of a command, whatever its exit status; `crashed` where a signal ended it.
std::string output_of(const Command& command, bool& crashed) {
  auto process = Process::start(command);
  if (!process) return process.error().text();
  const auto status = process->wait(kPatience);
  crashed = !status || status->signalled;
  return process->log();
}

// The numbers that follow each `before`.
std::vector<std::size_t> numbers_after(std::string_view text, std::string_view before) {
  std::vector<std::size_t> numbers;
  for (std::size_t at = text.find(before); at != std::string_view::npos; at = text.find(before, at + 1)) {
    std::size_t number = 0;
    const char* const start = text.data() + at + before.size();
    if (std::from_chars(start, text.data() + text.size(), number).ec == std::errc()) numbers.push_back(number);
  }
  return numbers;
}

// One run of kzonecheck reports all wrong lines, unless it crashes: then there are two runs of half of them.
void ask_knot(const Folder& folder, std::span<const std::string> records, std::size_t first, std::vector<bool>& taken) {
  bool crashed = false;
  const std::string file = folder.write("knot.zone", zone_of(records));
  const std::string output = output_of({.arguments = {"kzonecheck", "-v", "-o", "example.", file}}, crashed);
  if (crashed && records.size() > 1) {
    ask_knot(folder, records.first(records.size() / 2), first, taken);
    ask_knot(folder, records.subspan(records.size() / 2), first + records.size() / 2, taken);
    return;
  }
  for (std::size_t i = 0; i < records.size(); ++i) taken[first + i] = !crashed;
  for (const std::size_t line : numbers_after(output, "', line ")) {
    if (line > kHeadLines && line <= kHeadLines + records.size()) taken[first + line - kHeadLines - 1] = false;
  }
}

// What is wrong with it, such as a parenthesis that is not closed, does not change what the next one is.
bool stays_in_its_line(std::string_view record) { return record.find_first_of("()") == std::string_view::npos; }

// named-checkzone tells all lines that are wrong ("dns_rdata_fromtext: FILE:7: …"; a warning begins with FILE), or else
// what is wrong with the zone: the lines that are right are a zone once more, and where that is wrong, each by itself
// is one. Only the data count, not whether a server has an address.
void ask_bind(const Folder& folder, const std::vector<std::string>& records, const std::vector<std::size_t>& which,
              std::vector<bool>& taken) {
  if (which.empty()) return;
  std::vector<std::string> some;
  for (const std::size_t i : which) some.push_back(records[i]);
  const std::string file = folder.write("bind.zone", zone_of(some));
  bool crashed = false;
  const std::string output = output_of({.arguments = {"named-checkzone", "-i", "none", "-k", "ignore", "-M", "ignore",
                                                      "-S", "ignore", "example.", file}},
                                       crashed);
  const bool right = !crashed && output.ends_with("OK\n");
  if (right || which.size() == 1) {
    for (const std::size_t i : which) taken[i] = right;
    return;
  }
  std::vector<bool> is_wrong(which.size());
  for (const std::size_t line : numbers_after(output, ": " + file + ":")) {
    if (line > kHeadLines && line <= kHeadLines + which.size()) is_wrong[line - kHeadLines - 1] = true;
  }
  std::vector<std::size_t> rest;
  for (std::size_t i = 0; i < which.size(); ++i) {
    if (!is_wrong[i]) rest.push_back(which[i]);
  }
  if (rest.size() < which.size()) return ask_bind(folder, records, rest, taken);
  for (const std::size_t i : rest) ask_bind(folder, records, {i}, taken);
}

}  // namespace

std::vector<bool> taken_by_bind(const Folder& folder, const std::vector<std::string>& records) {
  constexpr std::size_t kBatch = 40;
  std::vector<bool> taken(records.size());
  std::vector<std::size_t> batch;  // indices
  for (std::size_t i = 0; i < records.size(); ++i) {
    if (stays_in_its_line(records[i])) batch.push_back(i);
    if (batch.size() == kBatch || i + 1 == records.size()) ask_bind(folder, records, std::exchange(batch, {}), taken);
    if (!stays_in_its_line(records[i])) ask_bind(folder, records, {i}, taken);
  }
  return taken;
}

std::vector<bool> taken_by_knot(const Folder& folder, const std::vector<std::string>& records) {
  constexpr std::size_t kBatch = 40;
  std::vector<bool> taken(records.size());
  for (std::size_t at = 0; at < records.size(); at += kBatch) {
    const std::size_t count = std::min(kBatch, records.size() - at);
    ask_knot(folder, {records.data() + at, count}, at, taken);
  }
  return taken;
}

// ldns-read-zone ends at the first line that is wrong; what comes after it is read in the next run.
std::vector<bool> taken_by_ldns(const Folder& folder, const std::vector<std::string>& records) {
  constexpr std::size_t kBatch = 40;
  std::vector<bool> taken(records.size(), true);
  for (std::size_t at = 0; at < records.size();) {
    const std::size_t count = std::min(kBatch, records.size() - at);
    bool crashed = false;
    const std::string file = folder.write("ldns.zone", zone_of({records.data() + at, count}));
    const std::string output = output_of({.arguments = {"ldns-read-zone", file}}, crashed);
    const auto lines = numbers_after(output, " at line ");
    if (lines.empty()) {
      at += count;
      continue;
    }
    const std::size_t wrong = lines.back() > kHeadLines ? lines.back() - kHeadLines - 1 : 0;
    at += std::min(wrong, count - 1);
    taken[at++] = false;
  }
  return taken;
}

// BIND's raw format (lib/dns/masterdump.c): a header of 24 bytes, then RRsets: length of all, class, type, covered
// type, TTL, number of records, length and bytes of the owner, then each record's length and data.
std::vector<std::string> wire_by_bind(const Folder& folder, const std::vector<std::string>& records) {
  constexpr std::size_t kHeader = 24;
  std::string text = fmt::format("{}$ORIGIN .\n", kHead);  // so that names are whole without their final dot
  for (std::size_t i = 0; i < records.size(); ++i) text += fmt::format("r{}.example. {}\n", i, records[i]);
  const std::string file = folder.write("wire.zone", text);
  const std::string raw_file = folder.file("wire.raw");
  bool crashed = false;
  const std::string output = output_of({.arguments = {"named-compilezone", "-i", "none", "-k", "ignore", "-M", "ignore",
                                                      "-S", "ignore", "-F", "raw", "-o", raw_file, "example.", file}},
                                       crashed);
  const std::string raw = read_file(raw_file);
  const Bytes bytes = as_bytes(raw);
  std::map<std::string, std::string> by_owner;
  for (std::size_t at = kHeader; at + 20 <= bytes.size();) {
    const std::size_t next = at + load_u32(&bytes[at]);
    at += 18;
    const std::size_t owner_size = load_u16(&bytes[at]);
    const Bytes label = bytes.subspan(at + 3, bytes[at + 2]);
    at += 2 + owner_size;
    const std::size_t size = load_u16(&bytes[at]);
    by_owner[std::string(as_text(label))] = hex(bytes.subspan(at + 2, size));
    at = next;
  }
  std::vector<std::string> wire;
  for (std::size_t i = 0; i < records.size(); ++i) {
    const auto found = by_owner.find(fmt::format("r{}", i));
    wire.push_back(found == by_owner.end() ? "not there: " + output.substr(0, 300) : found->second);
  }
  return wire;
}

}  // namespace swage::tests
