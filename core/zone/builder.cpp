#include "core/zone/builder.h"

#include <algorithm>
#include <optional>
#include <vector>

#include <fmt/format.h>

#include "core/dns/rdata_check.h"
#include "core/zone/layout.h"
#include "core/zone/plan.h"
#include "core/zone/records.h"

namespace swage::zone {

struct Builder::State {
  dns::Name apex;
  Report report{};
  bool has_soa = false;
  std::uint32_t soa_ttl = 0;
  std::vector<std::uint8_t> zonemd{};  // the data of the record at the apex, where it is made here
  RecordStore store;
  std::optional<Plan> plan;
  std::optional<Layout> layout;
};

Builder::Builder(dns::Name apex, std::int64_t now) : state_(std::make_unique<State>()) {
  state_->apex = apex;
  state_->report = Report(now);
}
Builder::~Builder() = default;
Builder::Builder(Builder&& other) noexcept = default;
Builder& Builder::operator=(Builder&& other) noexcept = default;

dns::NameView Builder::apex() const { return state_->apex; }

Report& Builder::report() { return state_->report; }
const Report& Builder::report() const { return state_->report; }
bool Builder::has_soa() const { return state_->has_soa; }

void Builder::reserve_zonemd(Bytes rdata) { state_->zonemd.assign(rdata.begin(), rdata.end()); }

Result<> Builder::add(dns::NameView owner, dns::Type type, std::uint32_t ttl, Bytes rdata, Place place) {
  CHECK(!state_->plan);
  if (!owner.is_under(state_->apex)) {
    return fail("{} is outside the zone {}", owner.to_string(), state_->apex.to_string());
  }
  TRY(const std::string_view doubt, dns::check_rdata(type, rdata));
  if (type == dns::Type::soa && owner != state_->apex)
    return fail("SOA record at {}, below the apex", owner.to_string());
  if (type == dns::Type::soa) {
    state_->soa_ttl = state_->has_soa ? std::min(ttl, state_->soa_ttl) : ttl;
    state_->has_soa = true;
  }
  if (type == dns::Type::zonemd && !state_->zonemd.empty() && owner == state_->apex) [[unlikely]]
    return {};
  state_->store.add(owner, type, ttl, rdata, place);
  if (!doubt.empty()) [[unlikely]] {
    state_->report.warn(Warning::data, place,
                        [&] { return fmt::format("{} {}: {}", owner.to_string(), to_string(type), doubt); });
  }
  return {};
}

Result<> Builder::finish() {
  CHECK(!state_->plan);
  if (!state_->zonemd.empty()) {
    state_->store.add(state_->apex, dns::Type::zonemd, state_->soa_ttl, state_->zonemd, 0);
  }
  state_->plan.emplace(Plan::make(state_->apex, state_->store, state_->report));
  if (!state_->report.errors().empty()) return std::unexpected(state_->report.error());
  state_->layout.emplace(*state_->plan, state_->store, state_->report);
  return {};
}

std::size_t Builder::image_size() const {
  CHECK(state_->layout.has_value());
  return state_->layout->size();
}

void Builder::write(MutableBytes image) const {
  CHECK(state_->layout.has_value());
  state_->layout->write(image);
}

}  // namespace swage::zone
