// Plugins that are libraries of their own, as the server has them: where each is from, its place in the chain, and its
// bytes in sealed memory. The supervisor copies a library when it reads the Corefile, and every process of that
// configuration loads the copy: whatever happens to the file meanwhile, all have the same, also those that may read no
// file. Not part of the contract.
#pragma once

#include <cstdint>
#include <list>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/config/token.h"
#include "core/descriptor.h"
#include "core/file_stamp.h"
#include "core/plugin/plugin.h"

namespace swage {

struct PluginLibrary {
  std::string place;        // "Corefile:1: " where the Corefile names it; empty for one of lib/swage/plugins
  std::string path;         // its folder, or the library that was named
  std::string directive{};  // its name
  std::string before{};     // the directive before which it stands in the chain
  std::string file{};       // where the library was, links and all
  FileStamp stamp{};        // of that file when it was read
  Descriptor image{};       // what is in the library

  // "Corefile:1: plugin PATH: why"
  [[nodiscard]] std::unexpected<Error> wrong(std::string_view why) const;
  [[nodiscard]] Result<PluginLibrary> duplicate() const;
  // Whether another library is there by now, which nobody has written to for a moment. False where none is, or this
  // process may not look.
  [[nodiscard]] bool has_changed() const;
};

// Finds the plugins of lib/swage/plugins, then those that `named` says: words of the Corefile (config::plugin_paths).
// Touches no library but for reading it. An Error is a sentence that says which plugin, and where the Corefile names
// it.
using FindLibraries = Result<std::vector<PluginLibrary>> (*)(std::span<const config::Token> named);

// All plugins in chain order. It refers to what lives as long as the process, and to its own texts.
class PluginChain {
 public:
  enum class Load : std::uint8_t {
    nothing,         // setup() of what the libraries have is not to be called
    libraries,       // into this process; they stay for as long as it lives
    tried_libraries  // each in a process of its own first, to say so where it crashes
  };

  PluginChain() = default;
  PluginChain(PluginChain&&) = default;
  PluginChain& operator=(PluginChain&&) = default;
  // `built_in` with each library before the directive that it names. An Error for the first that cannot be: nothing is
  // left out in silence. REQUIRES, where something is loaded: the images of all libraries have descriptors of their
  // own.
  [[nodiscard]] static Result<PluginChain> of(std::span<const PluginType> built_in,
                                              std::span<const PluginLibrary> libraries, Load load);

  [[nodiscard]] std::span<const PluginType> types() const { return types_; }

 private:
  [[nodiscard]] Result<> add(const PluginLibrary& library, Load load);

  std::vector<PluginType> types_;
  std::list<std::string> names_;  // what types_ refers to
};

}  // namespace swage
