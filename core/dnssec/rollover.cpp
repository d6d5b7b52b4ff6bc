#include "core/dnssec/rollover.h"

#include <algorithm>
#include <utility>

namespace swage::dnssec {
namespace {

// The rules by which keys take their steps. Each step is taken when all that it relies on is in every cache, and all
// that it takes away is in none.
class RolloverRules {
 public:
  RolloverRules(std::vector<KeyLife>& keys, const Policy& policy, std::int64_t now)
      : keys_(keys), policy_(policy), now_(now) {}

  Advance run(const std::vector<DsSight>& sights) {
    if (!sights.empty()) see(sights);
    Advance advance;
    advance.wanted = wanted();
    if (advance.wanted.empty()) {
      while (step()) continue;
    }
    for (const KeyLife& key : keys_) static_cast<void>(key.retire != 0 && is_key_gone(key) && are_signatures_gone(key));
    advance.next_change = next_;
    return advance;
  }

 private:
  // Times that have to pass.
  [[nodiscard]] bool passed(std::int64_t since, std::int64_t wait) {
    if (since == 0) return false;
    const std::int64_t until = since + wait;
    if (until > now_ && (next_ == 0 || until < next_)) next_ = until;
    return until <= now_;
  }

  // In all caches.
  [[nodiscard]] bool is_key_known(const KeyLife& key) {
    return key.is_published() && passed(key.publish, policy_.key_wait());
  }
  [[nodiscard]] bool are_signatures_known(const KeyLife& key) {
    return key.signs_zone() && passed(key.sign, policy_.zone_wait());
  }
  [[nodiscard]] bool is_ds_known(const KeyLife& key) {
    return key.ds_seen != 0 && key.ds_gone == 0 && passed(key.ds_seen, policy_.parent_wait());
  }
  // In none.
  [[nodiscard]] bool is_key_gone(const KeyLife& key) {
    return key.publish == 0 || (key.remove != 0 && passed(key.remove, policy_.key_wait()));
  }
  [[nodiscard]] bool are_signatures_gone(const KeyLife& key) {
    return key.sign == 0 || (key.stop != 0 && passed(key.stop, policy_.zone_wait()));
  }
  [[nodiscard]] bool is_ds_gone(const KeyLife& key) {
    return key.submit == 0 || (key.ds_gone != 0 && passed(key.ds_gone, policy_.parent_wait()));
  }

  template <typename Condition>
  [[nodiscard]] bool any(const Condition& condition) {
    bool found = false;  // asks all of them, for next_change()
    for (const KeyLife& key : keys_) found = condition(key) || found;
    return found;
  }
  template <typename Condition>
  [[nodiscard]] bool all(const Condition& condition) {
    return !any([&](const KeyLife& key) { return !condition(key); });
  }

  void see(const std::vector<DsSight>& sights) {
    for (std::size_t i = 0; i < keys_.size(); ++i) {
      KeyLife& key = keys_[i];
      if (!key.ksk) continue;
      if (sights[i] == DsSight::present && (key.ds_seen == 0 || key.ds_gone != 0)) {
        key.ds_seen = now_;
        key.ds_gone = 0;
        set(key.submit);  // where nobody had asked for it
      } else if (key.submit == 0) {
        continue;
      } else if (sights[i] == DsSight::absent && key.ds_gone == 0 && (key.ds_seen != 0 || key.retire != 0)) {
        // A key that is wanted has to be seen again.
        if (key.retire == 0) {
          key.ds_seen = 0;
        } else {
          key.ds_gone = now_;
        }
      }
    }
  }

  [[nodiscard]] static bool is_of(const KeyLife& key, const WantedKey& wanted) {
    return key.ksk == wanted.ksk && key.zsk == wanted.zsk && key.algorithm == wanted.algorithm;
  }

  // Whether the successor has to be made, so that it is ready when this key's time is over.
  [[nodiscard]] bool is_old(const KeyLife& key) {
    const std::int64_t lifetime = key.ksk ? policy_.ksk_lifetime : policy_.zsk_lifetime;
    return lifetime != 0 && passed(key.created, std::max<std::int64_t>(1, lifetime - policy_.key_wait()));
  }

  // The keys that the policy wants and there are none of. Whoever is not what it wants retires, and so does a key whose
  // successor is there.
  std::vector<WantedKey> wanted() {
    std::vector<WantedKey> roles;
    if (policy_.secure && policy_.single) roles.push_back({true, true, policy_.algorithm});
    if (policy_.secure && !policy_.single) {
      roles.push_back({true, false, policy_.algorithm});
      roles.push_back({false, true, policy_.algorithm});
    }
    std::vector<WantedKey> missing;
    std::vector<bool> keep(keys_.size(), false);
    for (const WantedKey& role : roles) {
      std::size_t newest = keys_.size();
      for (std::size_t i = 0; i < keys_.size(); ++i) {
        if (keys_[i].retire != 0 || !is_of(keys_[i], role)) continue;
        if (newest == keys_.size() || keys_[i].created >= keys_[newest].created) newest = i;
      }
      if (newest != keys_.size()) keep[newest] = true;
      const bool rolls = newest != keys_.size() && is_settled(keys_[newest]) && is_old(keys_[newest]);
      if (newest == keys_.size() || rolls) missing.push_back(role);
    }
    if (!missing.empty()) return missing;  // what is there goes on until they are there, too
    for (std::size_t i = 0; i < keys_.size(); ++i) {
      if (!keep[i] && keys_[i].retire == 0) keys_[i].retire = now_;
    }
    return missing;
  }

  // It has taken over, and its predecessors need nothing of it any more.
  [[nodiscard]] bool is_settled(const KeyLife& key) {
    const bool signs = !key.zsk || key.signs_zone();
    const bool trusted = !key.ksk || is_ds_known(key);
    return signs && trusted && !is_rolling(keys_, key.ksk, key.zsk);
  }

  [[nodiscard]] bool step() {
    const bool is_unsigned = !any([](const KeyLife& key) { return key.signs_zone() || key.is_published(); });
    bool changed = false;
    for (KeyLife& key : keys_) {
      if (key.retire == 0) {
        changed = bring_in(key, is_unsigned) || changed;
      } else {
        changed = take_out(key) || changed;
      }
    }
    return changed;
  }

  bool set(std::int64_t& time) {
    if (time != 0) return false;
    time = now_;
    return true;
  }

  // The algorithm is one of which a signature and its key are in all caches: by a DS it is relied upon already, or a
  // key has been signing for long enough.
  [[nodiscard]] bool is_served(Algorithm algorithm) {
    return any([&](const KeyLife& key) {
      if (key.algorithm != algorithm) return false;
      return (key.ksk && key.is_published() && is_ds_known(key)) ||
             (key.zsk && is_key_known(key) && are_signatures_known(key));
    });
  }
  // What validators hold on to.
  [[nodiscard]] bool is_anchor(const KeyLife& key) {
    return key.retire == 0 && key.ksk && is_key_known(key) && is_ds_known(key) && is_served(key.algorithm);
  }
  [[nodiscard]] bool is_continued(Algorithm algorithm) {
    return any([&](const KeyLife& key) { return key.retire == 0 && key.algorithm == algorithm; });
  }

  bool bring_in(KeyLife& key, bool is_unsigned) {
    bool changed = key.zsk && bring_in_signer(key, is_unsigned);
    if (key.ksk && !key.zsk && key.publish == 0 && any([&](const KeyLife& other) {
          return other.zsk && other.algorithm == key.algorithm && other.is_published();
        })) {
      changed = set(key.publish) || changed;
    }
    if (key.ksk && key.submit == 0 && is_key_known(key) && is_served(key.algorithm)) {
      changed = set(key.submit) || changed;
    }
    return changed;
  }

  bool bring_in_signer(KeyLife& key, bool is_unsigned) {
    if (key.publish == 0 && key.sign == 0) {
      const bool is_in_use = any(
          [&](const KeyLife& other) { return other.zsk && other.algorithm == key.algorithm && other.is_published(); });
      if (is_unsigned || !is_in_use) key.sign = now_;
      if (is_unsigned || is_in_use) key.publish = now_;
      return true;
    }
    if (key.publish == 0) return are_signatures_known(key) && set(key.publish);
    if (key.sign != 0 || !is_key_known(key)) return false;
    return set(key.sign);
  }

  bool take_out(KeyLife& key) {
    if (key.publish == 0 && key.sign == 0) return false;  // was never seen
    return is_continued(key.algorithm) ? hand_over(key) : leave(key);
  }

  // Others of its algorithm go on.
  bool hand_over(KeyLife& key) {
    bool changed = false;
    const bool has_successor = any([&](const KeyLife& other) {
      return other.retire == 0 && other.zsk && other.algorithm == key.algorithm && other.signs_zone() &&
             is_key_known(other);
    });
    if (key.signs_zone() && has_successor) changed = set(key.stop);
    if (key.is_published() && is_signer_done(key) && is_entry_done(key)) changed = set(key.remove) || changed;
    return changed;
  }
  [[nodiscard]] bool is_signer_done(const KeyLife& key) { return !key.zsk || are_signatures_gone(key); }
  [[nodiscard]] bool is_entry_done(const KeyLife& key) {
    if (!key.ksk || key.submit == 0) return true;
    return is_ds_gone(key) && any([&](const KeyLife& other) { return is_anchor(other); });
  }

  // The algorithm goes: first the DS records, then the keys, then the signatures.
  bool leave(KeyLife& key) {
    bool changed = false;
    const auto is_of_algorithm = [&](const KeyLife& other) { return other.algorithm == key.algorithm; };
    if (key.is_published()) {
      const bool has_no_ds =
          all([&](const KeyLife& other) { return !is_of_algorithm(other) || !other.ksk || is_ds_gone(other); });
      const bool is_replaced =
          !policy_.secure || !was_trusted() || any([&](const KeyLife& other) { return is_anchor(other); });
      if (has_no_ds && is_replaced) changed = set(key.remove);
    }
    if (key.signs_zone()) {
      const bool are_keys_gone =
          all([&](const KeyLife& other) { return !is_of_algorithm(other) || is_key_gone(other); });
      const bool is_untrusted = key.remove != 0 && all([&](const KeyLife& other) { return is_ds_gone(other); });
      if (are_keys_gone || is_untrusted) changed = set(key.stop) || changed;
    }
    return changed;
  }
  // Whether the parent has, or had, any DS that was asked for.
  [[nodiscard]] bool was_trusted() {
    return any([](const KeyLife& key) { return key.submit != 0; });
  }

  std::vector<KeyLife>& keys_;
  const Policy& policy_;
  const std::int64_t now_;
  std::int64_t next_ = 0;  // the first of the times that are waited for
};

}  // namespace

Advance advance(std::vector<KeyLife>& keys, const Policy& policy, std::int64_t now,
                const std::vector<DsSight>& sights) {
  CHECK(sights.empty() || sights.size() == keys.size());
  return RolloverRules(keys, policy, now).run(sights);
}

Submission submission(const std::vector<KeyLife>& keys, const Policy& policy) {
  Submission submission;
  const auto has_ds = [](const KeyLife& key) { return key.ksk && key.submit != 0 && key.ds_gone == 0; };
  if (!policy.secure) {
    submission.deletes =
        std::ranges::any_of(keys, [&](const KeyLife& key) { return has_ds(key) && key.is_published(); });
    return submission;
  }
  const bool has_new = std::ranges::any_of(keys, [&](const KeyLife& key) { return has_ds(key) && key.retire == 0; });
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (has_ds(keys[i]) && keys[i].is_published() && (keys[i].retire == 0 || !has_new)) submission.keys.push_back(i);
  }
  return submission;
}

bool is_rolling(const std::vector<KeyLife>& keys, bool ksk, bool zsk) {
  return std::ranges::any_of(keys, [&](const KeyLife& key) {
    const bool overlaps = (key.ksk && ksk) || (key.zsk && zsk);
    return overlaps && key.retire != 0 && (key.is_published() || key.signs_zone());
  });
}

Stage stage_of(const KeyLife& key, const Policy& policy, std::int64_t now) {
  const auto passed = [now](std::int64_t since, std::int64_t wait) { return since == 0 || since + wait <= now; };
  if (key.publish == 0 && key.sign == 0) return key.retire == 0 ? Stage::made : Stage::dead;
  if (!key.is_published() && !key.signs_zone()) {
    const bool is_dead = passed(key.remove, policy.key_wait()) && passed(key.stop, policy.zone_wait());
    return is_dead ? Stage::dead : Stage::removed;
  }
  if (key.retire != 0) return key.is_published() || key.publish == 0 ? Stage::retiring : Stage::removed;
  if (key.publish == 0) return Stage::presigning;
  if (key.ksk && key.submit != 0 && key.ds_seen == 0) return Stage::ready;
  if (key.ksk && key.submit != 0 && !passed(key.ds_seen, policy.parent_wait())) return Stage::ds_published;
  if (key.ksk ? key.submit == 0 : key.sign == 0) return Stage::published;
  return Stage::active;
}

std::string_view name_of(Stage stage) {
  switch (stage) {
    case Stage::made:
      return "made";
    case Stage::presigning:
      return "presigning";
    case Stage::published:
      return "published";
    case Stage::ready:
      return "ready";
    case Stage::ds_published:
      return "ds-published";
    case Stage::active:
      return "active";
    case Stage::retiring:
      return "retiring";
    case Stage::removed:
      return "removed";
    case Stage::dead:
      return "dead";
  }
  return "";
}

}  // namespace swage::dnssec
