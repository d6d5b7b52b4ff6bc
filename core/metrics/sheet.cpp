#include "core/metrics/sheet.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include <fmt/format.h>

#include "core/result.h"
#include "core/text.h"

namespace swage::metrics {
namespace {

constexpr std::uint64_t kMagic = 0x31'65'67'61'77'73'6d'74;
constexpr std::size_t kHeader = 64;
constexpr std::size_t kRecordHeader = 16;
constexpr std::size_t kMaxRecords = 100'000;
constexpr std::size_t kMaxBounds = 64;
constexpr std::size_t kMaxCombinations = 1 << 16;
constexpr std::size_t kMaxText = 1 << 16;  // bytes of a record's labels

struct RecordHeader {
  std::uint32_t size;
  std::uint8_t kind, zero;
  std::uint16_t bounds, name, help;
  std::uint32_t labels;
};
static_assert(sizeof(RecordHeader) == kRecordHeader);

std::size_t directory_end(std::size_t size) { return size / 4 / 8 * 8; }

template <typename T>
T get(const std::uint8_t* at) {
  T value;
  std::memcpy(&value, at, sizeof value);
  return value;
}

// RFC 3629; the length of the character at the front, 0 where it is none.
std::size_t utf8_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
  const std::size_t length = byte(0) < 0x80 ? 1 : byte(0) < 0xC2 ? 0 : byte(0) < 0xE0 ? 2 : byte(0) < 0xF0 ? 3 : 4;
  if (byte(0) > 0xF4 || length == 0 || length > text.size()) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return 0;
  }
  if (length == 3 && byte(0) == 0xE0 && byte(1) < 0xA0) return 0;
  if (length == 3 && byte(0) == 0xED && byte(1) > 0x9F) return 0;
  if (length == 4 && byte(0) == 0xF0 && byte(1) < 0x90) return 0;
  if (length == 4 && byte(0) == 0xF4 && byte(1) > 0x8F) return 0;
  return length;
}

// The length of the character at the front that may be in a text; 0 where there is none.
std::size_t printable_length(std::string_view text) {
  return static_cast<std::uint8_t>(text[0]) < ' ' || text[0] == 0x7F ? 0 : utf8_length(text);
}

bool is_text(std::string_view text) {
  while (!text.empty()) {
    const std::size_t length = printable_length(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

bool is_name(std::string_view name, bool colons) {
  const auto may_begin = [&](char c) { return is_letter(c) || c == '_' || (colons && c == ':'); };
  if (name.empty() || name.size() > 200 || !may_begin(name[0])) return false;
  return std::ranges::all_of(name, [&](char c) { return may_begin(c) || is_digit(c); });
}

// What ends at the next 0, which is taken off too; nullopt where there is none.
std::optional<std::string_view> take_word(std::string_view& text) {
  const std::size_t end = text.find('\0');
  if (end == std::string_view::npos) return std::nullopt;
  const std::string_view word = text.substr(0, end);
  text.remove_prefix(end + 1);
  return word;
}

std::optional<Label> take_label(std::string_view& text) {
  Label label;
  const auto name = take_word(text);
  if (!name || !is_name(*name, false) || name->starts_with("__")) return std::nullopt;
  label.name = *name;
  while (!text.empty() && text[0] != 1 && text[0] != 2) {
    const auto value = take_word(text);
    if (!value || !is_text(*value)) return std::nullopt;
    label.values.push_back(*value);
  }
  if (text.empty()) return std::nullopt;
  label.is_choice = text[0] == 2;
  if (!label.is_choice && label.values.size() > 1) return std::nullopt;
  text.remove_prefix(1);
  return label;
}

bool are_bounds(const std::vector<double>& bounds) {
  for (std::size_t i = 0; i < bounds.size(); ++i) {
    if (!std::isfinite(bounds[i]) || (i > 0 && bounds[i] <= bounds[i - 1])) return false;
  }
  return true;
}

// The labels of a record; nullopt where it is not sound.
std::optional<std::vector<Label>> sound_labels(const Description& description) {
  if (description.kind < Kind::counter || description.kind > Kind::histogram) return std::nullopt;
  if (description.bounds.size() > kMaxBounds || !are_bounds(description.bounds)) return std::nullopt;
  if ((description.kind == Kind::histogram) == description.bounds.empty()) return std::nullopt;
  if (!is_name(description.name, true) || !is_text(description.help)) return std::nullopt;
  return parse_labels(description.labels, description.kind);
}

// How many cells a record has; nullopt where there are too many.
std::optional<std::size_t> count_cells(const Description& description, const std::vector<Label>& labels) {
  std::size_t combinations = 1;
  for (const Label& label : labels) {
    combinations *= label.values.size();
    if (combinations > kMaxCombinations) return std::nullopt;
  }
  return combinations * cells_of(description.kind, description.bounds.size());
}

}  // namespace

void append_label(std::string& labels, std::string_view name, const std::vector<std::string>& values, bool is_choice) {
  labels.append(name).push_back('\0');
  for (std::string_view rest : values) {
    while (!rest.empty()) {
      const std::size_t length = printable_length(rest);
      labels.append(length == 0 ? "?" : rest.substr(0, length));
      rest.remove_prefix(std::max<std::size_t>(length, 1));
    }
    labels.push_back('\0');
  }
  labels.push_back(is_choice ? '\2' : '\1');
}

std::optional<std::vector<Label>> parse_labels(std::string_view labels, Kind kind) {
  std::vector<Label> parsed;
  while (!labels.empty()) {
    std::optional<Label> label = take_label(labels);
    if (!label || (kind == Kind::histogram && label->name == "le")) return std::nullopt;
    if (std::ranges::find(parsed, label->name, &Label::name) != parsed.end()) return std::nullopt;
    parsed.push_back(*std::move(label));
  }
  return parsed;
}

std::string objection_to(const Description& description) {
  if (sound_labels(description)) return "";
  const std::string& name = description.name;
  if (!is_name(name, true)) return fmt::format("'{}' is not a valid name of a metric", name);
  if (!is_text(description.help)) return fmt::format("metric {}: its help is not text", name);
  if (!parse_labels(description.labels, description.kind)) {
    return fmt::format("metric {}: its labels are not valid, or one is there twice", name);
  }
  return fmt::format("metric {}: bounds must ascend, {} at most, and only a histogram has some", name, kMaxBounds);
}

SheetWriter::SheetWriter(MutableBytes memory) : memory_(memory) {
  if (memory_.empty()) return;
  CHECK(directory_end(memory_.size()) > kHeader);
  std::memcpy(memory_.data(), &kMagic, sizeof kMagic);
}

std::optional<SheetWriter::Place> SheetWriter::add(const Description& description) {
  const auto labels = sound_labels(description);
  CHECK(labels.has_value());
  const auto cells = count_cells(description, *labels);
  if (!cells || memory_.empty() || description.labels.size() > kMaxText || description.help.size() > 4096)
    return std::nullopt;
  const std::size_t bounds_size = description.bounds.size() * sizeof(double);
  const std::size_t size =
      kRecordHeader + bounds_size + description.name.size() + description.help.size() + description.labels.size();
  const std::size_t padded = (size + 7) / 8 * 8;
  const std::size_t directory = directory_end(memory_.size());
  if (kHeader + used_ + padded > directory) return std::nullopt;
  if (cells_ + *cells > (memory_.size() - directory) / sizeof(Cell)) return std::nullopt;

  std::uint8_t* const record = memory_.data() + kHeader + used_;
  const RecordHeader header{static_cast<std::uint32_t>(padded),
                            static_cast<std::uint8_t>(description.kind),
                            0,
                            static_cast<std::uint16_t>(description.bounds.size()),
                            static_cast<std::uint16_t>(description.name.size()),
                            static_cast<std::uint16_t>(description.help.size()),
                            static_cast<std::uint32_t>(description.labels.size())};
  std::memcpy(record, &header, sizeof header);
  std::uint8_t* at = record + kRecordHeader;
  if (bounds_size != 0) std::memcpy(at, description.bounds.data(), bounds_size);
  at += bounds_size;
  for (const std::string* text : {&description.name, &description.help, &description.labels}) {
    at = std::copy(text->begin(), text->end(), at);
  }
  Place place;
  place.cells = reinterpret_cast<Cell*>(memory_.data() + directory) + cells_;
  place.bounds = reinterpret_cast<const double*>(record + kRecordHeader);
  used_ += padded;
  cells_ += *cells;
  std::atomic_ref(*reinterpret_cast<std::uint64_t*>(memory_.data() + 8)).store(used_, std::memory_order_release);
  return place;
}

std::uint64_t SheetReader::cell(std::size_t index) const {
  return detail::load(*(reinterpret_cast<const Cell*>(memory_.data() + directory_end(memory_.size())) + index));
}

void SheetReader::update() {
  const std::size_t end = directory_end(memory_.size());
  if (broken_ || end <= kHeader || get<std::uint64_t>(memory_.data()) != kMagic) return;
  auto* const word = reinterpret_cast<std::uint64_t*>(const_cast<std::uint8_t*>(memory_.data() + 8));
  const std::uint64_t published = std::atomic_ref(*word).load(std::memory_order_acquire);
  if (published <= read_) return;
  if (published > end - kHeader) {
    broken_ = true;
    return;
  }
  const Bytes fresh = memory_.subspan(kHeader + read_, published - read_);
  const std::vector<std::uint8_t> copy(fresh.begin(), fresh.end());
  Bytes directory = copy;
  while (!directory.empty() && !broken_) broken_ = !take(directory);
  read_ = published;
}

// Takes the record at the front off `directory`; false where it is not sound.
bool SheetReader::take(Bytes& directory) {
  if (directory.size() < kRecordHeader || records_.size() == kMaxRecords) return false;
  const auto header = get<RecordHeader>(directory.data());
  const std::size_t needed =
      kRecordHeader + header.bounds * sizeof(double) + header.name + header.help + std::size_t{header.labels};
  if (header.size % 8 != 0 || header.size > directory.size() || needed > header.size) return false;
  if (header.bounds > kMaxBounds || header.labels > kMaxText) return false;
  Record record;
  record.description.kind = static_cast<Kind>(header.kind);
  const std::uint8_t* at = directory.data() + kRecordHeader;
  for (std::size_t i = 0; i < header.bounds; ++i, at += sizeof(double)) {
    record.description.bounds.push_back(get<double>(at));
  }
  const auto take_text = [&at](std::size_t size) {
    std::string text(reinterpret_cast<const char*>(at), size);
    at += size;
    return text;
  };
  record.description.name = take_text(header.name);
  record.description.help = take_text(header.help);
  record.description.labels = take_text(header.labels);
  const auto labels = sound_labels(record.description);
  const auto cells = labels ? count_cells(record.description, *labels) : std::nullopt;
  const std::size_t room = (memory_.size() - directory_end(memory_.size())) / sizeof(Cell);
  if (!cells || *cells > room - cells_) return false;
  record.first_cell = cells_;
  record.cells = *cells;
  cells_ += *cells;
  records_.push_back(std::move(record));
  directory = directory.subspan(header.size);
  return true;
}

}  // namespace swage::metrics
