#include "core/zone/builder.h"

#include <optional>

#include "core/dns/rdata_check.h"
#include "core/zone/plan.h"
#include "core/zone/records.h"
#include "core/zone/write.h"

namespace swage::dns {

struct ZoneBuilder::State {
  Name apex;
  ZoneReport report{};
  bool has_soa = false;
  RecordStore store;
  std::optional<ZonePlan> plan;
  std::optional<ZoneLayout> layout;
};

ZoneBuilder::ZoneBuilder(Name apex, std::int64_t now) : state_(std::make_unique<State>()) {
  state_->apex = apex;
  state_->report = ZoneReport(now);
}
ZoneBuilder::~ZoneBuilder() = default;
ZoneBuilder::ZoneBuilder(ZoneBuilder&& other) noexcept = default;
ZoneBuilder& ZoneBuilder::operator=(ZoneBuilder&& other) noexcept = default;

NameView ZoneBuilder::apex() const { return state_->apex; }

ZoneReport& ZoneBuilder::report() { return state_->report; }
const ZoneReport& ZoneBuilder::report() const { return state_->report; }
bool ZoneBuilder::has_soa() const { return state_->has_soa; }

Result<> ZoneBuilder::add(NameView owner, Type type, std::uint32_t ttl, Bytes rdata, ZonePlace place) {
  CHECK(!state_->plan);
  if (!owner.is_under(state_->apex)) {
    return fail("{} is outside the zone {}", owner.to_string(), state_->apex.to_string());
  }
  TRY(const std::string_view doubt, check_rdata(type, rdata));
  if (type == Type::soa && owner != state_->apex) return fail("SOA record at {}, below the apex", owner.to_string());
  state_->has_soa |= type == Type::soa;
  state_->store.add(owner, type, ttl, rdata, place);
  if (!doubt.empty()) [[unlikely]] {
    state_->report.warn(ZoneWarning::data, place,
                        [&] { return fmt::format("{} {}: {}", owner.to_string(), to_string(type), doubt); });
  }
  return {};
}

Result<> ZoneBuilder::finish() {
  CHECK(!state_->plan);
  state_->plan.emplace(ZonePlan::make(state_->apex, state_->store, state_->report));
  if (!state_->report.errors().empty()) return std::unexpected(state_->report.error());
  state_->layout.emplace(*state_->plan, state_->store, state_->report);
  return {};
}

std::size_t ZoneBuilder::image_size() const {
  CHECK(state_->layout.has_value());
  return state_->layout->size();
}

void ZoneBuilder::write(MutableBytes image) const {
  CHECK(state_->layout.has_value());
  state_->layout->write(image);
}

}  // namespace swage::dns
