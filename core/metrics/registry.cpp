#include "core/metrics/registry.h"

#include "core/result.h"

namespace swage::metrics {
namespace {

constexpr std::size_t kPrivateSize = std::size_t{1} << 20;  // bytes

shm::Segment private_memory() {
  Result<shm::Segment> memory = shm::Segment::create("swage metrics", kPrivateSize);
  return memory ? *std::move(memory) : shm::Segment();
}

std::string encoded(const Labels& labels) {
  std::string text;
  for (const auto& [name, value] : labels) append_label(text, name, {value}, false);
  return text;
}

}  // namespace

Registry::Registry() : Registry(private_memory()) {}

Registry::Registry(shm::Segment memory)
    : memory_(std::move(memory)), writer_(memory_.exists() ? memory_.writable_bytes() : MutableBytes()) {
  lost_count_ = counter("swage_metrics_lost_total", "Series that are not exposed, for want of room.");
}

Registry::Place Registry::find_or_add(const Description& description) {
  const auto [known, is_new] = places_.try_emplace(description.name + '\0' + description.labels);
  if (!is_new) return known->second;
  if (const std::string objection = objection_to(description); !objection.empty()) {
    mistake_ = Error(objection);
    return {};
  }
  if (const auto place = writer_.add(description)) {
    known->second = {place->cells, place->bounds};
    return known->second;
  }
  lost_count_.add();
  return {};
}

Counter Registry::counter(std::string_view name, std::string_view help, const Labels& labels) {
  return Counter(find_or_add({Kind::counter, {}, std::string(name), std::string(help), encoded(labels)}).cells);
}

Gauge Registry::gauge(std::string_view name, std::string_view help, const Labels& labels) {
  return Gauge(find_or_add({Kind::gauge, {}, std::string(name), std::string(help), encoded(labels)}).cells);
}

Histogram Registry::histogram(std::string_view name, std::string_view help, const std::vector<double>& bounds,
                              const Labels& labels) {
  const Place place = find_or_add({Kind::histogram, bounds, std::string(name), std::string(help), encoded(labels)});
  return {place.cells, {place.bounds, place.cells == nullptr ? 0 : bounds.size()}};
}

Counters Registry::counters(std::string_view name, std::string_view help, const Labels& labels,
                            const std::vector<Choice>& choices) {
  CHECK(!choices.empty() && choices.size() <= 3);
  std::string text = encoded(labels);
  std::array<std::size_t, 3> sizes = {1, 1, 1};
  for (std::size_t i = 0; i < choices.size(); ++i) {
    append_label(text, choices[i].name, choices[i].values, true);
    sizes[i] = choices[i].values.size();
  }
  return {find_or_add({Kind::counter, {}, std::string(name), std::string(help), text}).cells, sizes};
}

void Registry::declare(Kind kind, std::string_view name, std::string_view help, const std::vector<double>& bounds,
                       const std::vector<std::string>& label_names) {
  std::string text;
  for (const std::string& label : label_names) append_label(text, label, {}, false);
  static_cast<void>(find_or_add({kind, bounds, std::string(name), std::string(help), text}));
}

}  // namespace swage::metrics
