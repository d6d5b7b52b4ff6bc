// The rewrite plugin: the plugins after it see another question than the client asked, and the client sees another
// answer than they gave. In the dns processes.
#pragma once

#include <array>
#include <memory>
#include <vector>

#include "core/dns/name_text.h"
#include "core/plugin/plugin.h"

namespace swage::plugins::rewrite {

class Rewriting;

// One occurrence of the directive. Immutable.
class Rule {
 public:
  explicit Rule(bool stops) : stops_(stops) {}
  virtual ~Rule() = default;

  enum class Applied : std::uint8_t { no, yes };
  // Changes the question, or sees that the answer will have to be changed. An Error where the new name is no name.
  [[nodiscard]] virtual Result<Applied> ask(Rewriting& rewriting) const = 0;
  // Changes the answer. `asked`: the question that was answered, and its name before and after this rule. Called in
  // reverse order of the rules. What it says other than send is passed on.
  struct Asked {
    const Query& query;
    dns::NameView before, behind;
  };
  [[nodiscard]] virtual Result<Outcome> answer(const Asked& asked, Response& response) const;

  [[nodiscard]] bool stops() const { return stops_; }  // where it was applied, no later rule is looked at

 private:
  bool stops_;
};

// The question of one query on its way through the rules. Lies on the stack: what is in the response's arena does not
// outlive a plugin that begins the response anew.
class Rewriting {
 public:
  static constexpr std::size_t kMaxNames = 16;      // names that a question has on its way
  static constexpr std::size_t kMaxRules = 64;      // that are applied to a question
  static constexpr std::size_t kMaxOptions = 4096;  // bytes of EDNS options, where a rule changes them

  explicit Rewriting(const Query& original) : query_(original), text_(original.key) { names_[0] = original.qname; }
  Rewriting(const Rewriting&) = delete;
  Rewriting& operator=(const Rewriting&) = delete;

  [[nodiscard]] const Query& query() const { return query_; }
  [[nodiscard]] std::string_view name() const { return text_.view(); }  // as text_match.h has it
  // Fails where `text` is no name.
  [[nodiscard]] Result<> set_name(const dns::NameText& text);
  void set_type(dns::Type type) { query_.qtype = type; }
  void set_class(dns::Class rclass) { query_.qclass = rclass; }
  // Puts the option in place of the first with this code, or after the others where there is none. False, and nothing
  // is changed, where there would be too much.
  [[nodiscard]] bool set_option(std::uint16_t code, Bytes data);
  void unset_option(std::uint16_t code);

  // `rule` has changed something. False where there were too many.
  [[nodiscard]] bool remember(const Rule& rule, std::size_t name_before);
  [[nodiscard]] std::size_t names() const { return name_count_; }
  // All rules that were applied, the last first; then nothing in the response points into this any more.
  [[nodiscard]] Result<Outcome> answer(Response& response) const;

 private:
  [[nodiscard]] bool is_ours(const std::uint8_t* data) const;
  void move_out(dns::Record& record, Response& response) const;

  struct Step {
    const Rule* rule;
    std::size_t before, behind;  // indexes of names_
  };

  Query query_;
  dns::NameText text_;
  std::array<dns::NameView, kMaxNames + 1> names_;
  std::size_t name_count_ = 1;
  // NOLINTBEGIN(cppcoreguidelines-pro-type-member-init): 8 KiB, filled as far as they are used
  std::array<std::array<std::uint8_t, dns::kMaxName + 1>, kMaxNames> name_bytes_;
  std::array<std::uint8_t, kMaxOptions> options_;
  std::array<Step, kMaxRules> steps_;
  // NOLINTEND(cppcoreguidelines-pro-type-member-init)
  std::size_t step_count_ = 0;
};

class Rewrite : public Plugin {
 public:
  explicit Rewrite(std::vector<std::unique_ptr<const Rule>> rules) : rules_(std::move(rules)) {}
  [[nodiscard]] Result<Outcome> serve(const Query& query, Response& response, Next next) const override;

 private:
  const std::vector<std::unique_ptr<const Rule>> rules_;
};

[[nodiscard]] Result<> setup(Controller& controller);

}  // namespace swage::plugins::rewrite
