#include "logstore/compression.h"

#include <zstd.h>

#include <memory>

namespace brume::logstore {
namespace {

constexpr std::size_t kLarge = 128 << 10;

struct FreeContext {
  void operator()(ZSTD_CCtx* context) const { ZSTD_freeCCtx(context); }
  void operator()(ZSTD_DCtx* context) const { ZSTD_freeDCtx(context); }
};

std::unexpected<Error> unreadable(std::string_view why) {
  return fail_internal("Log events cannot be decompressed: {}", why);
}

}  // namespace

std::string compress(std::string_view bytes, int level) {
  // Its tables are as large as the input asks for: threads keep small ones only.
  thread_local const std::unique_ptr<ZSTD_CCtx, FreeContext> small(ZSTD_createCCtx());
  const bool large = bytes.size() > kLarge;
  const std::unique_ptr<ZSTD_CCtx, FreeContext> own(large ? ZSTD_createCCtx() : nullptr);
  ZSTD_CCtx* context = large ? own.get() : small.get();
  ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, level);
  ZSTD_CCtx_setParameter(context, ZSTD_c_minMatch, 6);
  ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1);
  std::string out;
  out.resize_and_overwrite(ZSTD_compressBound(bytes.size()), [&](char* to, std::size_t room) {
    const std::size_t size = ZSTD_compress2(context, to, room, bytes.data(), bytes.size());
    return ZSTD_isError(size) ? 0 : size;  // with room for the bound it cannot fail
  });
  out.shrink_to_fit();
  return out;
}

Result<std::string> decompress(std::string_view frame, std::uint64_t size) {
  BRUME_TRY(said, decompressed_size(frame, size));
  if (said != size) return unreadable("the size differs");
  std::string out;
  Result<void> read;
  // (GCC 12 calls with what it has room for, not with `size`.)
  out.resize_and_overwrite(size, [&](char* to, std::size_t) {
    read = decompress(frame, std::span(to, size));
    return read ? size : 0;
  });
  if (!read) return std::unexpected(std::move(read).error());
  return out;
}

Result<void> decompress(std::string_view frame, std::span<char> to) {
  thread_local const std::unique_ptr<ZSTD_DCtx, FreeContext> context(ZSTD_createDCtx());
  const std::size_t read = ZSTD_decompressDCtx(context.get(), to.data(), to.size(), frame.data(), frame.size());
  if (ZSTD_isError(read)) return unreadable(ZSTD_getErrorName(read));
  if (read != to.size()) return unreadable("the size differs");
  return {};
}

Result<std::uint64_t> decompressed_size(std::string_view frame, std::uint64_t limit) {
  const unsigned long long size = ZSTD_getFrameContentSize(frame.data(), frame.size());
  if (size == ZSTD_CONTENTSIZE_ERROR || size == ZSTD_CONTENTSIZE_UNKNOWN) return unreadable("it is no frame");
  if (size > limit) return unreadable("it is too large");
  return size;
}

}  // namespace brume::logstore
