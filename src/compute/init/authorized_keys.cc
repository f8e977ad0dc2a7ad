#include "compute/init/authorized_keys.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "env/fd.h"

namespace brume::init {
namespace {

constexpr std::size_t kMaxKey = 16 << 10;  // sshd reads lines of up to 8 KiB, an RSA key of 16384 bits has 3
constexpr std::size_t kMaxFile = 1 << 20;
constexpr const char* kFile = "authorized_keys";
constexpr const char* kDraft = ".authorized_keys.brume";

std::string failure(const std::string& what) {
  return "cannot " + what + ": " + ::strerror(errno);
}

// The encoded key is what identifies a line: types and comments repeat. In a line with options it is not the second
// word, so all words are looked at.
bool has_word(std::string_view line, std::string_view word) {
  while (!line.empty()) {
    const std::string_view first = line.substr(0, line.find_first_of(" \t\r"));
    if (first == word) return true;
    line.remove_prefix(std::min(line.size(), first.size() + 1));
  }
  return false;
}

std::string_view encoded_part(std::string_view key) {
  const std::string_view rest = key.substr(key.find(' ') + 1);
  return rest.substr(0, rest.find(' '));
}

// A folder that we make is the account's; one that was there keeps its owner.
env::Fd folder_in(int parent, const char* name, mode_t mode, const Account& account, int flags) {
  const bool made = ::mkdirat(parent, name, mode) == 0;
  env::Fd fd(::openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | flags));
  if (fd && made && (::fchown(fd.get(), account.uid, account.gid) != 0 || ::fchmod(fd.get(), mode) != 0)) return {};
  return fd;
}

// False with errno; `content` stays empty if there is no file.
bool read_regular(int folder, std::string& content) {
  const env::Fd fd(::openat(folder, kFile, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!fd) return errno == ENOENT;
  struct stat info{};
  if (::fstat(fd.get(), &info) != 0) return false;
  // A second name of a file that is another's must not make that the account's.
  if (!S_ISREG(info.st_mode) || info.st_nlink != 1) {
    errno = EPERM;
    return false;
  }
  for (char buffer[4096];;) {
    const ssize_t n = ::read(fd.get(), buffer, sizeof buffer);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return n == 0;
    content.append(buffer, std::size_t(n));
    if (content.size() > kMaxFile) {
      errno = EFBIG;
      return false;
    }
  }
}

bool write_all(int fd, std::string_view content) {
  while (!content.empty()) {
    const ssize_t n = ::write(fd, content.data(), content.size());
    if (n < 0 && errno != EINTR) return false;
    if (n > 0) content.remove_prefix(std::size_t(n));
  }
  return ::fsync(fd) == 0;
}

}  // namespace

std::optional<std::string> one_public_key(std::string_view text) {
  while (text.ends_with('\n') || text.ends_with('\r') || text.ends_with(' ')) text.remove_suffix(1);
  if (text.size() > kMaxKey) return std::nullopt;
  if (std::ranges::any_of(text, [](unsigned char c) { return c < ' ' || c == 0x7f; })) return std::nullopt;
  const std::string_view type = text.substr(0, text.find(' '));
  constexpr std::string_view kTypes[] = {"ssh-ed25519",
                                         "ssh-rsa",
                                         "ecdsa-sha2-nistp256",
                                         "ecdsa-sha2-nistp384",
                                         "ecdsa-sha2-nistp521",
                                         "sk-ssh-ed25519@openssh.com",
                                         "sk-ecdsa-sha2-nistp256@openssh.com"};
  if (std::ranges::find(kTypes, type) == std::end(kTypes) || type.size() == text.size()) return std::nullopt;
  const std::string_view encoded = encoded_part(text);
  // Whatever its type, an encoded key begins with four bytes of which the first two are zero.
  if (!encoded.starts_with("AAAA") ||
      encoded.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=") != encoded.npos)
    return std::nullopt;
  return std::string(text);
}

std::optional<std::string> with_key(std::string_view file, std::string_view key) {
  const std::string_view encoded = encoded_part(key);
  for (std::string_view rest = file; !rest.empty();) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(rest.size(), line.size() + 1));
    if (!line.starts_with('#') && has_word(line, encoded)) return std::nullopt;
  }
  std::string out(file);
  if (!out.empty() && !out.ends_with('\n')) out += '\n';
  out += key;
  return out + '\n';
}

std::string install_key(const Account& account, std::string_view key) {
  const std::string place = account.home + "/.ssh";
  // The way to the home is the system's and may have links.
  const env::Fd home = folder_in(AT_FDCWD, account.home.c_str(), 0755, account, 0);
  if (!home) return failure("use " + account.home);
  const env::Fd folder = folder_in(home.get(), ".ssh", 0700, account, O_NOFOLLOW);
  if (!folder) return failure("use " + place);
  std::string content;
  if (!read_regular(folder.get(), content)) return failure("read " + place + "/" + kFile);
  const auto wanted = with_key(content, key);
  if (!wanted) return "";
  ::unlinkat(folder.get(), kDraft, 0);
  const env::Fd draft(::openat(folder.get(), kDraft, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  const bool written = draft && write_all(draft.get(), *wanted) && ::fchmod(draft.get(), 0600) == 0 &&
                       ::fchown(draft.get(), account.uid, account.gid) == 0 &&
                       ::renameat(folder.get(), kDraft, folder.get(), kFile) == 0;
  if (written) return "";
  const std::string why = failure("write " + place + "/" + kFile);
  if (draft) ::unlinkat(folder.get(), kDraft, 0);
  return why;
}

}  // namespace brume::init
