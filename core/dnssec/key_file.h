// Key files on disk, as BIND's tools write them: KNAME.key, which all may read, and KNAME.private, for its owner.
#pragma once

#include <string>
#include <vector>

#include "core/dnssec/key_text.h"
#include "core/result.h"

namespace swage::dnssec {

// `path`: of either file, or what the names of both begin with, "keys/Kexample.org.+013+12345". A .private file that is
// not there is an Error unless `half` is allowed. What is readable by everybody is said in `warnings`. Errors are
// "PATH: why".
enum class Half : bool { refused, allowed };
[[nodiscard]] Result<StoredKey> read_key_files(const std::string& path, Half half, std::vector<std::string>& warnings);

// All keys of a folder, or of one zone, in the order of their names, each without its private half where that is not
// there; nothing where the folder has none. Files of other names are left alone.
[[nodiscard]] Result<std::vector<StoredKey>> read_key_folder(const std::string& folder,
                                                             std::vector<std::string>& warnings,
                                                             const dns::Name* zone = nullptr);

// Writes both files, .private first and only where the key has its private half; each is whole or not there at any
// moment, and on disk on return.
[[nodiscard]] Result<> write_key_files(const std::string& folder, const StoredKey& stored);
[[nodiscard]] Result<> remove_key_files(const std::string& folder, const Key& key);

// Puts `content` into `folder`/`name`: whole or not at all, on disk on return. Where root does, the file belongs to the
// owner of the folder.
[[nodiscard]] Result<> replace_file(const std::string& folder, const std::string& name, Bytes content, unsigned mode);

}  // namespace swage::dnssec
