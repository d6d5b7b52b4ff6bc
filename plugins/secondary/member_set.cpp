#include "plugins/secondary/member_set.h"

#include <vector>

#include "core/async/work.h"
#include "core/log.h"
#include "core/shm/flat_map.h"

namespace swage::plugins::secondary {
namespace {

constexpr std::chrono::milliseconds kBetween{200};  // publications: all zones are copied each time
constexpr std::uint8_t kNothing[1] = {};            // what a member has that was never transferred

Result<shm::Segment> make_set(const std::map<std::string, shm::Held>& images, const std::string& name) {
  std::vector<shm::FlatMap::Entry> entries;
  entries.reserve(images.size());
  for (const auto& [key, image] : images) {
    if (!image.bytes.empty()) entries.push_back({key, image.bytes});
  }
  return shm::FlatMap::to_segment("swage " + name, entries);
}

}  // namespace

class MemberSet::Member : public Published {
 public:
  Member(MemberSet& set, std::string key) : set_(set), key_(std::move(key)) { set_.members_.emplace(key_, this); }
  ~Member() override {
    set_.members_.erase(key_);
    set_.change(key_, {});
  }
  Member(const Member&) = delete;
  Member& operator=(const Member&) = delete;

  [[nodiscard]] shm::Held image() const override {
    const shm::Held found = set_.find(key_);
    return is_image(found.bytes) ? found : shm::Held();
  }
  [[nodiscard]] Result<> compile(const NewImage& zone) override {
    TRY(compiled_, make_image(zone, "secondary"));
    return {};
  }
  [[nodiscard]] Result<> publish() override { return put(std::move(compiled_)); }
  [[nodiscard]] Result<> expire() override {
    TRY(shm::Segment nothing, shm::Segment::create("swage secondary", kExpiredSize));
    return put(std::move(nothing));
  }
  [[nodiscard]] Result<> keep() override { return {}; }

 private:
  Result<> put(shm::Segment segment) {
    TRY(shm::Mapping sealed, std::move(segment).seal());
    sealed.close_descriptor();  // there may be many
    const auto memory = std::make_shared<const shm::Mapping>(std::move(sealed));
    set_.change(key_, {memory->bytes(), memory});
    return {};
  }

  MemberSet& set_;
  const std::string key_;
  shm::Segment compiled_;
};

std::unique_ptr<Published> MemberSet::add(std::string key, shm::Held before) {
  changed_ = true;
  if (!before.bytes.empty()) fresh_[key] = std::move(before);
  return std::make_unique<Member>(*this, std::move(key));
}

void MemberSet::change(const std::string& key, shm::Held fresh) {
  fresh_[key] = std::move(fresh);
  changed_ = true;
}

shm::Held MemberSet::find(const std::string& key) const {
  const auto fresh = fresh_.find(key);
  if (fresh != fresh_.end()) return fresh->second;
  const shm::Held set = snapshot_.hold();
  return {shm::FlatMap(set.bytes).find(key), set.memory};
}

// Of all members that have one.
MemberSet::Images MemberSet::images() const {
  Images images;
  for (const auto& [key, _] : members_) {
    const shm::Held image = find(key);
    images.emplace(key, image.bytes.empty() ? shm::Held{kNothing, {}} : image);
  }
  for (const auto& [key, image] : fresh_) {
    if (image.bytes.empty()) images.emplace(key, image);
  }
  return images;
}

Result<> MemberSet::publish() {
  changed_ = false;
  const Images contained = images();
  return take(make_set(contained, snapshot_.name()), contained);
}

Result<> MemberSet::take(Result<shm::Segment> set, const Images& contained) {
  if (!set) return std::unexpected(set.error());
  TRY(snapshot_.publish(*std::move(set)));
  for (const auto& [key, image] : contained) {
    const auto fresh = fresh_.find(key);
    if (fresh != fresh_.end() && fresh->second.bytes.data() == image.bytes.data()) fresh_.erase(fresh);
  }
  return {};
}

async::Task<> MemberSet::run(Host& host) {
  while (true) {
    const bool stops = co_await host.stopping(kBetween);
    if (stops) co_return;
    if (!changed_) continue;
    changed_ = false;
    const Images contained = images();
    const auto making = [this, &contained] { return make_set(contained, snapshot_.name()); };
    Result<shm::Segment> set = co_await async::work(host.loop(), making);
    const Result<> done = take(std::move(set), contained);
    if (!done) log::error("plugin/secondary: {}: {}", snapshot_.name(), done.error().text());
  }
}

}  // namespace swage::plugins::secondary
