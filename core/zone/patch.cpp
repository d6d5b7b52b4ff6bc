#include "core/zone/patch.h"

#include <algorithm>
#include <cstring>

#include "core/zone/canonical_key.h"
#include "core/zone/layout.h"
#include "core/zone/lookup.h"

namespace swage::zone {

using image::Header;
using image::kUnit;
using image::Node;
using image::Ref;
using image::Rrset;
using image::Slot;

namespace {

constexpr std::size_t kMostNames = 20'000;  // of a patch
// Of a slot whose name is gone: its node is the apex, which has another tag, so that no search stops or finds there.
constexpr std::uint32_t kGone = ~image::slot_tag(image::kApexHash);

const Node& after(const Node& node) {
  const Rrset* rrset = first_rrset(node);
  for (unsigned i = 0; i < node.rrsets; ++i) rrset = rrset->next();
  return *reinterpret_cast<const Node*>(rrset);
}

Ref units(const void* from, const void* to) {
  return static_cast<Ref>(
      static_cast<std::size_t>(static_cast<const std::uint8_t*>(to) - static_cast<const std::uint8_t*>(from)) / kUnit);
}

std::int64_t records(const Node& node) {
  std::int64_t count = 0;
  for (const Rrset& rrset : Rrsets(node)) count += rrset.count;
  return count;
}

bool has(const Node* node, dns::Type type) { return node != nullptr && find_rrset(*node, type) != nullptr; }

bool can_be_patched(const Header& header) {
  return header.denial == image::Denial::none && header.nsec3_count == 0 && header.order_count == 0 &&
         header.signatures == 0;
}

}  // namespace

class Patch::Planner {
 public:
  Planner(Patch& patch, std::span<const dns::Name> names)
      : patch_(patch),
        names_(names),
        image_(patch.image_.data()),
        part_(patch.part_.data()),
        old_name_(image_.header()),
        new_name_(part_.header()) {}

  bool run() {
    if (!can_be_patched(image_.header()) || !can_be_patched(part_.header())) return false;
    if (names_.empty() || names_.size() > kMostNames || names_.front() != image_.apex().name()) return false;
    for (const dns::Name& name : names_) {
      if (!classify(name)) return false;
    }
    add_missing_parents();
    if (!has_room()) return false;
    merge();
    return !touches_wildcard_;
  }

 private:
  // A node of the image before that may be another one, or gone.
  struct Known {
    Ref at;
    const Node* old;
    const Node* now;  // nullptr: it has no records
  };

  static const Node* find(const ImageReader& reader, SearchName& search, dns::NameView name) {
    search.set(name);
    return reader.find(search).node;
  }
  Ref ref(const Node& node) const { return units(patch_.image_.data(), &node); }

  bool classify(dns::NameView name) {
    const Node* const old = find(image_, old_name_, name);
    const Node* now = find(part_, new_name_, name);
    if (now != nullptr && now->rrsets == 0) now = nullptr;  // a parent of others
    const bool is_apex = name == image_.apex().name();
    if (!is_apex && has(old, dns::Type::ns) != has(now, dns::Type::ns)) return false;
    if (has(old, dns::Type::dname) != has(now, dns::Type::dname)) return false;
    if (old == nullptr) {
      if (now != nullptr) inserts_.push_back(now);
      return true;
    }
    known_.push_back({ref(*old), old, now});
    if (now == nullptr) doubt_parents(name);
    return !is_apex || now != nullptr;
  }

  // The parents without records of a name that goes may go with it.
  void doubt_parents(dns::NameView name) {
    for (dns::NameView parent = name.parent(); parent != image_.apex().name(); parent = parent.parent()) {
      const Node* const node = find(image_, old_name_, parent);
      if (node == nullptr || node->rrsets != 0) continue;
      known_.push_back({ref(*node), node, nullptr});
    }
  }

  // The part has all parents of its names; those that the image has not are new, too.
  void add_missing_parents() {
    const Node* node = &part_.apex();
    for (std::uint32_t i = 0; i < part_.header().nodes; ++i, node = &after(*node)) {
      if (node->rrsets == 0 && find(image_, old_name_, node->name()) == nullptr) inserts_.push_back(node);
    }
    std::ranges::sort(inserts_, [](const Node* a, const Node* b) { return a->name() < b->name(); });
    // Known twice: as one of the names, and as a parent of another one that goes.
    std::ranges::stable_sort(known_, [](const Known& a, const Known& b) {
      return a.at != b.at ? a.at < b.at : a.now != nullptr && b.now == nullptr;
    });
    known_.erase(std::ranges::unique(known_, {}, &Known::at).begin(), known_.end());
  }

  // Four of five slots at most are in use, those of names that are gone too.
  bool has_room() const {
    const Header& header = image_.header();
    const std::span slots(image_.at<Slot>(header.slots), header.slot_count);
    const auto used =
        static_cast<std::size_t>(std::ranges::count_if(slots, [](const Slot& slot) { return slot.node != 0; }));
    return used + inserts_.size() <= std::size_t{header.slot_count} / 5 * 4;
  }

  void merge() {
    const Header& header = image_.header();
    std::size_t insert = 0, known = 0;
    const Node* node = &image_.apex();
    for (std::uint32_t left = header.nodes; left > 0; --left, node = &after(*node)) {
      if (insert == inserts_.size() && pending_.empty()) break;
      while (insert < inserts_.size() && inserts_[insert]->name() < node->name())
        take_insert(ref(*node), *inserts_[insert++]);
      if (known < known_.size() && known_[known].old == node) {
        take_known(known_[known++]);
      } else {
        settle(node->name());
      }
    }
    for (; known < known_.size(); ++known) {  // nothing is inserted any more
      take_known(known_[known]);
      const Node& next = after(*known_[known].old);
      const bool is_last = ref(next) == header.order;
      const bool is_known = known + 1 < known_.size() && known_[known + 1].old == &next;
      if (!is_last && !is_known) settle(next.name());
    }
    const Ref end = header.order;
    for (; insert < inserts_.size(); ++insert) take_insert(end, *inserts_[insert]);
    settle(std::nullopt);
    finish(end);
  }

  void take_insert(Ref at, const Node& node) {
    settle(node.name());
    touches_wildcard_ = touches_wildcard_ || node.name().is_wildcard();
    patch_.more_nodes_ += 1;
    add({at, 0, &node, units(&node, &after(node))});
  }

  void take_known(const Known& known) {
    if (known.now == nullptr) {
      pending_.push_back(&known);
      return;
    }
    settle(known.old->name());
    add({known.at, units(known.old, &after(*known.old)), known.now, units(known.now, &after(*known.now))});
  }

  // `next` comes after those that are pending: those above it stay, as names without records; the others go.
  void settle(std::optional<dns::NameView> next) {
    for (const Known* const each : pending_) {
      const bool stays = next && next->is_under(each->old->name());
      const Ref old_size = units(each->old, &after(*each->old));
      if (stays && each->old->rrsets == 0) continue;
      if (stays) {
        const Node& made = without_records(*each->old);
        add({each->at, old_size, &made, units(&made, &after(made))});
        continue;
      }
      touches_wildcard_ = touches_wildcard_ || each->old->name().is_wildcard();
      patch_.more_nodes_ -= 1;
      add({each->at, old_size});
    }
    pending_.clear();
  }

  const Node& without_records(const Node& old) {
    auto& memory = patch_.made_.emplace_back();
    auto& node = *reinterpret_cast<Node*>(memory.data());
    std::memcpy(&node, &old, sizeof node + old.name_size);
    node.rrsets = 0;
    return node;
  }

  void add(const Edit& edit) {
    if (edit.old_size != 0) patch_.more_records_ -= records(*image_.at<Node>(edit.at));
    if (edit.node != nullptr) patch_.more_records_ += records(*edit.node);
    patch_.edits_.push_back(edit);
  }

  void finish(Ref end) {
    std::int64_t shift = 0;
    for (const Edit& edit : patch_.edits_) {
      const std::int64_t more = std::int64_t{edit.new_size} - edit.old_size;
      if (patch_.shifts_.empty() || patch_.shifts_.back().from != edit.at) {
        patch_.shifts_.push_back({edit.at, false, shift, shift});
      }
      Shift& here = patch_.shifts_.back();
      if (edit.old_size == 0) here.at += more;  // it comes before what is there
      here.gone = edit.old_size != 0 && edit.node == nullptr;
      here.after = shift += more;
    }
    patch_.nodes_end_ = static_cast<Ref>(end + shift);
    const std::size_t size = std::size_t{patch_.nodes_end_} * kUnit;
    patch_.size_ = (size + sizeof(KeyPrefix) + kCacheLine - 1) / kCacheLine * kCacheLine;
  }

  Patch& patch_;
  std::span<const dns::Name> names_;
  ImageReader image_, part_;
  SearchName old_name_, new_name_;
  std::vector<Known> known_;          // by place
  std::vector<const Node*> inserts_;  // of the part, in canonical order
  std::vector<const Known*> pending_;
  bool touches_wildcard_ = false;
};

// From the plan to the bytes.
class Patch::Writer {
 public:
  Writer(const Patch& patch, MutableBytes to) : patch_(patch), to_(to.data()), image_(patch.image_.data()), now_(to_) {}

  void write() {
    copy();
    write_header();
    shift_slots();
    shift_nodes();
    add_names();
    find_targets();
  }

 private:
  template <typename T>
  T* at(Ref ref) {
    return reinterpret_cast<T*>(to_ + std::size_t{ref} * kUnit);
  }
  Ref ref(const void* node) const { return units(to_, node); }

  void copy() {
    Ref from = 0, to = 0;
    const auto take = [&](const void* what, Ref size) {
      std::memcpy(at<std::uint8_t>(to), what, std::size_t{size} * kUnit);
      to += size;
    };
    for (const Edit& edit : patch_.edits_) {
      take(image_.at<std::uint8_t>(from), edit.at - from);
      from = edit.at + edit.old_size;
      if (edit.node == nullptr) continue;
      placed_.push_back({to, &edit});
      take(edit.node, edit.new_size);
    }
    take(image_.at<std::uint8_t>(from), image_.header().order - from);
    CHECK(to == patch_.nodes_end_);
    std::fill(at<std::uint8_t>(to), to_ + patch_.size_, std::uint8_t{0});
  }

  void write_header() {
    Header& header = *at<Header>(0);
    const Header& part = ImageReader(patch_.part_.data()).header();
    header.size = patch_.size_;
    header.nodes = static_cast<std::uint32_t>(header.nodes + patch_.more_nodes_);
    header.records = static_cast<std::uint32_t>(header.records + patch_.more_records_);
    header.serial = part.serial;
    header.negative_ttl = part.negative_ttl;
    header.soa = header.apex + (part.soa - part.apex);
    header.max_depth = std::max(header.max_depth, part.max_depth);
    header.order = patch_.nodes_end_;
    header.order_keys = header.nsec3_buckets = header.nsec3 = patch_.nodes_end_ + patch_.nodes_end_ % 2;
  }

  void shift_slots() {
    const Header& header = now_.header();
    for (Slot& slot : std::span(at<Slot>(header.slots), header.slot_count)) {
      if (slot.node == 0) continue;
      slot.node = patch_.shifted(slot.node);
      if (slot.node == 0) slot = {kGone, header.apex};
    }
  }

  void shift(Ref& ref) const {
    if (ref != 0) ref = patch_.shifted(ref);
  }

  // Of nodes that were copied. Those that were put in have all to be found: see add_names() and find_targets().
  void shift_nodes() {
    auto* node = at<Node>(now_.header().first_node);
    auto next = placed_.begin();
    for (std::uint32_t left = now_.header().nodes; left > 0; --left) {
      const bool is_placed = next != placed_.end() && at<Node>(next->first) == node;
      if (is_placed) ++next;
      if (!is_placed) {
        shift(node->cover);
        shift(node->wildcard);
      }
      auto* rrset = const_cast<Rrset*>(first_rrset(*node));
      for (unsigned i = 0; i < node->rrsets; ++i) {
        if (image::has_targets(dns::Type{rrset->type})) shift_targets(*node, *rrset, is_placed);
        rrset = const_cast<Rrset*>(rrset->next());
      }
      node = reinterpret_cast<Node*>(rrset);
    }
  }

  void shift_targets(const Node& owner, Rrset& rrset, bool is_placed) {
    const std::span refs(reinterpret_cast<Ref*>(&rrset + 1), rrset.count);
    bool is_whole = !is_placed;
    for (Ref& each : refs) {
      if (is_placed) each = 0;
      shift(each);
      is_whole = is_whole && each != 0;
    }
    if (!is_whole) with_targets_.push_back({&owner, &rrset});
  }

  // In canonical order: parents come before their children.
  void add_names() {
    SearchName name(now_.header());
    for (const auto& [place, edit] : placed_) {
      Node& node = *at<Node>(place);
      const std::uint8_t spelled = node.flags & image::kUpperCase;
      if (edit->old_size != 0) {
        const Node& old = *image_.at<Node>(edit->at);
        node.cover = old.cover;
        node.wildcard = old.wildcard;
        shift(node.cover);
        shift(node.wildcard);
        node.flags = static_cast<std::uint8_t>((old.flags & (image::kCut | image::kDname)) | spelled);
        continue;
      }
      name.set(node.name());
      const Node& parent = *now_.find(name).encloser;
      node.cover = (parent.flags & image::kDname) != 0 ? ref(&parent) : parent.cover;
      node.wildcard = 0;
      node.flags = spelled;
      insert(name.hash(name.depth()), place);
    }
  }

  void insert(std::uint64_t hash, Ref place) {
    const Header& header = now_.header();
    auto* const slots = at<Slot>(header.slots);
    const auto is_free = [&](const Slot& slot) {
      return slot.node == 0 || (slot.node == header.apex && slot.tag == kGone);
    };
    std::uint32_t i = image::first_slot(hash, header.slot_count);
    while (!is_free(slots[i])) i = i + 1 == header.slot_count ? 0 : i + 1;
    slots[i] = {image::slot_tag(hash), place};
  }

  void find_targets() {
    const dns::NameView apex = now_.apex().name();
    SearchName name(now_.header());
    for (const auto& [owner, rrset] : with_targets_) {
      RdataCursor rdata(*rrset);
      for (Ref& each : std::span(reinterpret_cast<Ref*>(rrset + 1), rrset->count)) {
        const dns::NameView target = target_name(dns::Type{rrset->type}, rdata.next(), owner->name());
        if (each != 0 || !target.is_under(apex)) continue;
        name.set(target);
        if (const Node* const found = now_.find(name).node) each = ref(found);
      }
    }
  }

  struct WithTargets {
    const Node* owner;
    Rrset* rrset;
  };

  const Patch& patch_;
  std::uint8_t* to_;
  ImageReader image_, now_;
  std::vector<std::pair<Ref, const Edit*>> placed_;  // what was put in, and where
  std::vector<WithTargets> with_targets_;            // some of which have to be found
};

std::optional<Patch> Patch::make(Bytes image, Bytes part, std::span<const dns::Name> names) {
  Patch patch;
  patch.image_ = image;
  patch.part_ = part;
  if (!Planner(patch, names).run()) return {};
  return patch;
}

Ref Patch::shifted(Ref ref) const {
  const auto next = std::ranges::upper_bound(shifts_, ref, {}, &Shift::from);
  if (next == shifts_.begin()) return ref;
  const Shift& shift = *std::prev(next);
  if (shift.from != ref) return static_cast<Ref>(ref + shift.after);
  return shift.gone ? 0 : static_cast<Ref>(ref + shift.at);
}

void Patch::write(MutableBytes to) const {
  CHECK(to.size() == size_);
  Writer(*this, to).write();
}

}  // namespace swage::zone
