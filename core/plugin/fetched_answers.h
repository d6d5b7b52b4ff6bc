// FetchedAnswers: for plugins that fetch whole answers of other nameservers (core/plugin/fetch.h). One process fetches
// and stores them in memory that all share; each dns process answers from there, for as long as the block's `cache`
// says, or, without one, those who have waited for it. Part of the contract, for those who need it.
//
//     FetchedAnswers answers_{controller.shared("answers …"), controller.fetch("…")};        // in the Plugin
//     return answers_.serve(query, response);                                                // serve()
//
//     AnswerStore store_{memory, controller.block().answer_room, seed};                        // in the Service
//     TRY(store_.prepare());                                                                 // prepare()
//     const Result<FetchedQuestion> question = FetchedQuestion::read(key);                   // on_wanted(key)
//     … ask, dns::decode() …; store_.put(key, received, loop.now()); fetch_.settled(key);
//
// What serve() says depends on the query and on that memory alone. on_wanted() is called for what is in memory already,
// too: it is to be fetched again.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "core/dns/name.h"
#include "core/dns/response.h"
#include "core/plugin/chain.h"
#include "core/plugin/fetch.h"
#include "core/plugin/server_block.h"
#include "core/shm/answer_table.h"
#include "core/shm/shared.h"

namespace swage {

// What is fetched, as the key says it: a question of class IN, and what else changes the answer.
struct FetchedQuestion {
  dns::Name name;  // lower case
  dns::Type type = dns::Type::a;
  bool recursion_desired = true;   // RD
  bool dnssec_ok = false;          // DO
  bool checking_disabled = false;  // CD

  [[nodiscard]] static FetchedQuestion of(const Query& query);
  [[nodiscard]] static Result<FetchedQuestion> read(std::string_view key);
};

// The key of a question: flags (1 byte: DO, CD, without RD), type (2), name.
class FetchedKey {
 public:
  explicit FetchedKey(const Query& query);
  explicit FetchedKey(const FetchedQuestion& question);
  [[nodiscard]] Bytes bytes() const { return Bytes(bytes_).first(size_); }
  // Under which failures are stored: they do not take the place of an answer.
  [[nodiscard]] FetchedKey of_failure() const;
  // With RD.
  [[nodiscard]] FetchedKey of_recursion() const;
  // Under which denials are stored where they do not take the place of an answer, and that it could not be fetched.
  [[nodiscard]] FetchedKey of_denial() const;
  [[nodiscard]] FetchedKey of_attempt() const;

 private:
  FetchedKey(dns::NameView name, dns::Type type, std::uint8_t flags);
  [[nodiscard]] FetchedKey with(std::uint8_t flag) const;

  std::array<std::uint8_t, 3 + dns::kMaxName> bytes_;
  std::size_t size_;
};

// Reads, in dns processes.
class FetchedAnswers {
 public:
  // Both must outlive it.
  FetchedAnswers(const shm::Shared& memory, const Fetch& fetch) : memory_(memory), fetch_(fetch) {}

  // Answers from memory, or says later; to be returned as it is. An Error where there is nothing and it cannot wait.
  [[nodiscard]] Result<Outcome> serve(const Query& query, Response& response) const;

 private:
  const shm::Shared& memory_;
  const Fetch& fetch_;
};

// Writes, in the process that fetches.
class AnswerStore {
 public:
  // `seed`: random.
  AnswerStore(shm::Shared& memory, AnswerRoom room, const shm::AnswerTableWriter::Seed& seed)
      : memory_(memory), room_(room), seed_(seed) {}

  // Makes memory of its own, and copies what is there from the process before.
  [[nodiscard]] Result<> prepare();
  // Stores what was received under `key`. `now`: nanoseconds, steady clock, as Loop::now() says it now. An Error where
  // it is too long, the key is not one, or there is no memory.
  [[nodiscard]] Result<> put(std::string_view key, const Response& received, std::int64_t now);
  // That it could not be fetched, where this is kept; an Error where the key is not one, or there is no memory.
  [[nodiscard]] Result<> put_attempt(std::string_view key, std::int64_t now);
  // Removes what is stored for names at and below `zone`, which is in lower case. Returns how many answers.
  std::size_t forget(dns::NameView zone);
  // What was received was no answer to be stored, or is malformed.
  void drop() const { room_.counts.drops.add(); }

 private:
  void count();

  shm::Shared& memory_;
  AnswerRoom room_;
  shm::AnswerTableWriter::Seed seed_;
  shm::AnswerTableWriter writer_;
  std::array<shm::AnswerTableWriter::Counts, shm::answers::kRings> counted_{};
};

}  // namespace swage
