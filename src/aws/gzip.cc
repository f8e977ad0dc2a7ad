#include "aws/gzip.h"

#include <algorithm>
#include <new>

#include <zlib.h>

namespace brume::aws {

Result<std::string> gunzip(std::string_view bytes, std::size_t limit) {
  z_stream stream{};
  if (inflateInit2(&stream, 15 + 16) != Z_OK) return fail_internal("zlib could not be started");
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = uInt(bytes.size());
  std::string out;
  int state = Z_OK;
  while (state == Z_OK && out.size() <= limit) {
    const std::size_t filled = out.size();
    out.resize(std::min(std::max<std::size_t>(filled * 2, 4096), limit + 1));
    stream.next_out = reinterpret_cast<Bytef*>(out.data() + filled);
    stream.avail_out = uInt(out.size() - filled);
    state = inflate(&stream, Z_NO_FLUSH);
    out.resize(out.size() - stream.avail_out);
  }
  const bool rest = stream.avail_in > 0;
  inflateEnd(&stream);
  if (out.size() > limit)
    return std::unexpected(Error{"RequestEntityTooLarge", "The decompressed request body is too large.", 413});
  if (state != Z_STREAM_END || rest) return fail("SerializationException", "The request body is not valid gzip data.");
  return out;
}
std::string gzip(std::string_view bytes) {
  z_stream stream{};
  // Fails only for want of memory.
  if (deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK)
    throw std::bad_alloc();
  std::string out(deflateBound(&stream, uLong(bytes.size())), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = uInt(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = uInt(out.size());
  deflate(&stream, Z_FINISH);
  out.resize(out.size() - stream.avail_out);
  deflateEnd(&stream);
  return out;
}

}  // namespace brume::aws
