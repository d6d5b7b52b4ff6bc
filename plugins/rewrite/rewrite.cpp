#include "plugins/rewrite/rewrite.h"

#include <algorithm>
#include <functional>

namespace swage::plugins::rewrite {

Result<Outcome> Rule::answer(const Asked&, Response&) const { return Outcome::send; }

Result<> Rewriting::set_name(const dns::NameText& text) {
  const auto name = text.overflow() ? fail("it is too long") : dns::Name::parse(text.view());
  if (!name) return fail("rewrite: invalid name after a rule: {}", name.error().text());
  if (name_count_ > kMaxNames) return fail("rewrite: more than {} names for one query", kMaxNames);
  auto& bytes = name_bytes_[name_count_ - 1];
  std::ranges::copy(name->view().bytes(), bytes.begin());
  names_[name_count_] = {bytes.data(), name->size()};
  query_.ask(names_[name_count_++]);
  text_.assign(query_.key);
  return {};
}

bool Rewriting::set_option(std::uint16_t code, Bytes data) {
  const Bytes old = query_.edns.options;
  std::array<std::uint8_t, kMaxOptions> next;
  if (old.size() + 4 + data.size() > next.size()) return false;
  std::size_t size = 0;
  bool is_set = false;
  const auto put = [&](std::uint16_t number, Bytes bytes) {
    store_u16(&next[size], number);
    store_u16(&next[size + 2], static_cast<std::uint16_t>(bytes.size()));
    std::ranges::copy(bytes, next.begin() + static_cast<std::ptrdiff_t>(size + 4));
    size += 4 + bytes.size();
  };
  for (std::size_t at = 0; at < old.size();) {
    const std::uint16_t number = load_u16(&old[at]), length = load_u16(&old[at + 2]);
    const bool replaced = number == code && !std::exchange(is_set, is_set || number == code);
    put(number, replaced ? data : old.subspan(at + 4, length));
    at += 4U + length;
  }
  if (!is_set) put(code, data);
  std::copy_n(next.begin(), size, options_.begin());
  query_.edns.present = true;
  query_.edns.options = Bytes(options_).first(size);
  return true;
}

void Rewriting::unset_option(std::uint16_t code) {
  if (!query_.edns.has_option(code)) return;
  const Bytes old = query_.edns.options;
  std::size_t size = 0;
  bool fits = true;
  for (std::size_t at = 0; at < old.size();) {
    const std::size_t length = 4U + load_u16(&old[at + 2]);
    if (load_u16(&old[at]) != code) {
      fits = fits && size + length <= options_.size();
      if (fits) std::memmove(&options_[size], &old[at], length);  // may be the same buffer, further on
      size += length;
    }
    at += length;
  }
  query_.edns.options = fits ? Bytes(options_).first(size) : Bytes();
}

bool Rewriting::remember(const Rule& rule, std::size_t name_before) {
  if (step_count_ == kMaxRules) return false;
  steps_[step_count_++] = {&rule, name_before, name_count_ - 1};
  return true;
}

bool Rewriting::is_ours(const std::uint8_t* data) const {
  const auto* const start = reinterpret_cast<const std::uint8_t*>(this);
  return !std::less<>()(data, start) && std::less<>()(data, start + sizeof *this);
}

void Rewriting::move_out(dns::Record& record, Response& response) const {
  if (is_ours(record.owner.data())) record.owner = response.arena.copy(record.owner);
  if (is_ours(record.rdata.data())) record.rdata = response.arena.copy(record.rdata);
}

Result<Outcome> Rewriting::answer(Response& response) const {
  for (std::size_t i = step_count_; i-- > 0;) {
    const Step& step = steps_[i];
    TRY(const Outcome outcome, step.rule->answer({query_, names_[step.before], names_[step.behind]}, response));
    if (outcome != Outcome::send) return outcome;
  }
  for (auto* const section : {&response.answer, &response.authority, &response.additional}) {
    for (dns::Record& record : *section) move_out(record, response);
  }
  for (dns::EdnsOption& option : response.options) {
    if (is_ours(option.data.data())) option.data = response.arena.copy(option.data);
  }
  return Outcome::send;
}

Result<Outcome> Rewrite::serve(const Query& query, Response& response, Next next) const {
  Rewriting rewriting(query);
  bool changed = false;
  for (const auto& rule : rules_) {
    const std::size_t name_before = rewriting.names() - 1;
    TRY(const Rule::Applied applied, rule->ask(rewriting));
    if (applied == Rule::Applied::no) continue;
    changed = true;
    if (!rewriting.remember(*rule, name_before)) {
      return fail("rewrite: more than {} rules for one query", Rewriting::kMaxRules);
    }
    if (rule->stops()) break;
  }
  if (!changed) return next(query, response);
  TRY(const Outcome outcome, next(rewriting.query(), response));
  if (outcome != Outcome::send) return outcome;
  return rewriting.answer(response);
}

}  // namespace swage::plugins::rewrite
