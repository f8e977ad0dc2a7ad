// A map, and a set, in the order of their keys, whose copies share what they have alike.
//
// A copy costs nothing, a change the logarithm of the size, whoever else has a copy; comparing two maps of which one
// was made from the other costs what changed between them, not what they hold. So a large value that changes little at
// a time can be handed around and compared as a value. A treap (Seidel and Aragon, "Randomized search trees", 1996)
// whose priorities are hashes of the keys: maps of the same keys have the same shape, whatever their histories. What is
// written once is never changed, so threads may read copies while another changes its own.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <iterator>
#include <map>
#include <memory>
#include <set>
#include <stdexcept>
#include <utility>
#include <variant>
#include <vector>

namespace brume {

template <typename K, typename V>
class SharedMap {
 public:
  using key_type = K;
  using mapped_type = V;
  using value_type = std::pair<const K, V>;

 private:
  struct Node;
  using Link = std::shared_ptr<const Node>;
  using Entry = std::shared_ptr<value_type>;
  struct Node {
    Entry entry;
    std::uint64_t rank = 0;  // a parent's is the greater one; of equals, the smaller key's is
    std::size_t size = 0;    // with what is below
    Link left, right;
  };

 public:
  // Valid as long as its map is there and not changed.
  class const_iterator {
   public:
    using iterator_category = std::forward_iterator_tag;
    using value_type = SharedMap::value_type;
    using difference_type = std::ptrdiff_t;
    using pointer = const value_type*;
    using reference = const value_type&;

    reference operator*() const { return *way_.back()->entry; }
    pointer operator->() const { return way_.back()->entry.get(); }
    const_iterator& operator++() {
      const Node* next = way_.back()->right.get();
      way_.pop_back();
      for (; next; next = next->left.get()) way_.push_back(next);
      return *this;
    }
    const_iterator operator++(int) {
      const_iterator before = *this;
      ++*this;
      return before;
    }
    bool operator==(const const_iterator& other) const {
      return way_.empty() || other.way_.empty() ? way_.empty() == other.way_.empty() : way_.back() == other.way_.back();
    }

   private:
    friend class SharedMap;
    std::vector<const Node*> way_;  // what is still to come, the nearest last
  };
  using iterator = const_iterator;

  SharedMap() = default;
  SharedMap(const SharedMap& other) : root_(other.root_) { own_what_is_lent(other); }
  SharedMap(SharedMap&&) noexcept = default;
  SharedMap& operator=(const SharedMap& other) { return *this = SharedMap(other); }
  SharedMap& operator=(SharedMap&&) noexcept = default;
  ~SharedMap() = default;

  // All at once, which costs less than one after the other.
  static SharedMap of(std::map<K, V>&& all) {
    std::vector<Link> leaves;
    leaves.reserve(all.size());
    while (!all.empty()) {
      auto taken = all.extract(all.begin());
      leaves.push_back(leaf(std::move(taken.key()), std::move(taken.mapped())));
    }
    SharedMap made;
    made.root_ = joined(leaves, 0, leaves.size());
    return made;
  }

  [[nodiscard]] std::size_t size() const { return size_of(root_); }
  [[nodiscard]] bool empty() const { return !root_; }
  // Null if it is not there.
  [[nodiscard]] const V* get(const K& key) const {
    for (const Node* at = root_.get(); at;) {
      if (key < at->entry->first)
        at = at->left.get();
      else if (at->entry->first < key)
        at = at->right.get();
      else
        return &at->entry->second;
    }
    return nullptr;
  }
  [[nodiscard]] bool contains(const K& key) const { return get(key) != nullptr; }
  [[nodiscard]] const V& at(const K& key) const {
    const V* found = get(key);
    if (!found) throw std::out_of_range("SharedMap::at");
    return *found;
  }
  [[nodiscard]] const_iterator begin() const {
    const_iterator first;
    for (const Node* at = root_.get(); at; at = at->left.get()) first.way_.push_back(at);
    return first;
  }
  [[nodiscard]] const_iterator end() const { return {}; }
  // The first whose key is not less.
  [[nodiscard]] const_iterator lower_bound(const K& key) const {
    const_iterator found;
    for (const Node* at = root_.get(); at;) {
      if (at->entry->first < key) {
        at = at->right.get();
      } else {
        found.way_.push_back(at);
        at = at->left.get();
      }
    }
    return found;
  }
  [[nodiscard]] const_iterator find(const K& key) const {
    const const_iterator found = lower_bound(key);
    return found == end() || key < found->first ? end() : found;
  }

  // Nothing happens, and false is answered, if the key has an equal value.
  bool put(K key, V value) {
    if (const V* present = get(key); present && *present == value) return false;
    root_ = with(root_, leaf(std::move(key), std::move(value)));
    return true;
  }
  std::size_t erase(const K& key) {
    if (!contains(key)) return 0;
    root_ = without(root_, key);
    return 1;
  }
  void clear() {
    root_.reset();
    lent_.clear();
  }
  // As a std::map's; valid until the key is put or erased. While it may be in use, copies get a value of their own.
  V& operator[](const K& key) {
    const V* present = get(key);
    const Link made = leaf(K(key), present ? V(*present) : V());
    root_ = with(root_, made);
    if (std::find(lent_.begin(), lent_.end(), key) == lent_.end()) lent_.push_back(key);
    return made->entry->second;
  }

  bool operator==(const SharedMap& other) const { return alike(root_, other.root_); }

  // Calls visit(key, before, after) for each key whose value differs, in the order of the keys; null where there is
  // none.
  template <typename F>
  static void differences(const SharedMap& before, const SharedMap& after, F&& visit) {
    differ(before.root_, after.root_, visit);
  }

 private:
  static std::size_t size_of(const Link& at) { return at ? at->size : 0; }
  static Link make(Entry entry, std::uint64_t rank, Link left, Link right) {
    const std::size_t size = 1 + size_of(left) + size_of(right);
    return std::make_shared<const Node>(Node{std::move(entry), rank, size, std::move(left), std::move(right)});
  }
  static Link make(const Node& like, Link left, Link right) {
    return make(like.entry, like.rank, std::move(left), std::move(right));
  }
  static Link leaf(K&& key, V&& value) {
    // The hash may be the number itself; mixed as by splitmix64 (Steele, Lea and Flood, 2014).
    std::uint64_t rank = std::hash<K>()(key) + 0x9e3779b97f4a7c15U;
    rank = (rank ^ (rank >> 30)) * 0xbf58476d1ce4e5b9U;
    rank = (rank ^ (rank >> 27)) * 0x94d049bb133111ebU;
    return make(std::make_shared<value_type>(std::move(key), std::move(value)), rank ^ (rank >> 31), {}, {});
  }
  static bool above(const Node& a, const Node& b) {
    return a.rank != b.rank ? a.rank > b.rank : a.entry->first < b.entry->first;
  }

  static Link joined(const std::vector<Link>& leaves, std::size_t begin, std::size_t end) {
    if (begin == end) return {};
    std::size_t top = begin;
    for (std::size_t i = begin + 1; i < end; ++i)
      if (above(*leaves[i], *leaves[top])) top = i;
    return make(*leaves[top], joined(leaves, begin, top), joined(leaves, top + 1, end));
  }
  static Link with(const Link& at, const Link& added) {
    if (!at) return added;
    const K &key = added->entry->first, &here = at->entry->first;
    if (key < here || here < key) {
      if (above(*added, *at)) {
        auto [left, right] = split(at, key);
        return make(*added, std::move(left), std::move(right));
      }
      return key < here ? make(*at, with(at->left, added), at->right) : make(*at, at->left, with(at->right, added));
    }
    return make(*added, at->left, at->right);
  }
  // What is less than a key that is not there, and what is greater.
  static std::pair<Link, Link> split(const Link& at, const K& key) {
    if (!at) return {};
    if (at->entry->first < key) {
      auto [left, right] = split(at->right, key);
      if (!right) return {at, {}};
      return {make(*at, at->left, std::move(left)), std::move(right)};
    }
    auto [left, right] = split(at->left, key);
    if (!left) return {{}, at};
    return {std::move(left), make(*at, std::move(right), at->right)};
  }
  static Link without(const Link& at, const K& key) {
    if (key < at->entry->first) return make(*at, without(at->left, key), at->right);
    if (at->entry->first < key) return make(*at, at->left, without(at->right, key));
    return merged(at->left, at->right);
  }
  static Link merged(const Link& left, const Link& right) {
    if (!left) return right;
    if (!right) return left;
    return above(*left, *right) ? make(*left, left->left, merged(left->right, right))
                                : make(*right, merged(left, right->left), right->right);
  }

  static bool alike(const Link& a, const Link& b) {
    if (a == b) return true;
    if (!a || !b || a->size != b->size) return false;
    if (a->entry != b->entry && !(*a->entry == *b->entry)) return false;
    return alike(a->left, b->left) && alike(a->right, b->right);
  }
  template <typename F>
  static void each(const Link& at, const F& visit) {
    if (!at) return;
    each(at->left, visit);
    visit(*at->entry);
    each(at->right, visit);
  }
  template <typename F>
  static void differ(const Link& a, const Link& b, F& visit) {
    if (a == b) return;
    if (!a) return each(b, [&](const value_type& entry) { visit(entry.first, nullptr, &entry.second); });
    if (!b) return each(a, [&](const value_type& entry) { visit(entry.first, &entry.second, nullptr); });
    const value_type &left = *a->entry, &right = *b->entry;
    // A root is above all of its tree, so that what is above the other's root is not in the other tree.
    if (above(*a, *b)) {
      const auto [less, greater] = split(b, left.first);
      differ(a->left, less, visit);
      visit(left.first, &left.second, nullptr);
      return differ(a->right, greater, visit);
    }
    if (above(*b, *a)) {
      const auto [less, greater] = split(a, right.first);
      differ(less, b->left, visit);
      visit(right.first, nullptr, &right.second);
      return differ(greater, b->right, visit);
    }
    differ(a->left, b->left, visit);
    if (a->entry != b->entry && !(left.second == right.second)) visit(left.first, &left.second, &right.second);
    differ(a->right, b->right, visit);
  }

  void own_what_is_lent(const SharedMap& other) {
    for (const K& key : other.lent_)
      if (const V* value = get(key)) root_ = with(root_, leaf(K(key), V(*value)));
  }

  Link root_;
  std::vector<K> lent_;  // to whose values operator[] gave a way
};

template <typename K>
class SharedSet {
  using Map = SharedMap<K, std::monostate>;

 public:
  using key_type = K;
  using value_type = K;

  class const_iterator {
   public:
    using iterator_category = std::forward_iterator_tag;
    using value_type = K;
    using difference_type = std::ptrdiff_t;
    using pointer = const K*;
    using reference = const K&;

    reference operator*() const { return at_->first; }
    pointer operator->() const { return &at_->first; }
    const_iterator& operator++() {
      ++at_;
      return *this;
    }
    const_iterator operator++(int) {
      const_iterator before = *this;
      ++*this;
      return before;
    }
    bool operator==(const const_iterator&) const = default;

   private:
    friend class SharedSet;
    typename Map::const_iterator at_;
  };
  using iterator = const_iterator;

  SharedSet() = default;
  SharedSet(std::initializer_list<K> all) {
    for (const K& key : all) insert(key);
  }
  static SharedSet of(const std::set<K>& all) {
    std::map<K, std::monostate> keys;
    for (const K& key : all) keys.emplace_hint(keys.end(), key, std::monostate());
    SharedSet made;
    made.map_ = Map::of(std::move(keys));
    return made;
  }

  [[nodiscard]] std::size_t size() const { return map_.size(); }
  [[nodiscard]] bool empty() const { return map_.empty(); }
  [[nodiscard]] bool contains(const K& key) const { return map_.contains(key); }
  [[nodiscard]] const_iterator begin() const {
    const_iterator first;
    first.at_ = map_.begin();
    return first;
  }
  [[nodiscard]] const_iterator end() const { return {}; }
  // False if nothing happened.
  bool insert(K key) { return map_.put(std::move(key), {}); }
  bool erase(const K& key) { return map_.erase(key) != 0; }
  bool operator==(const SharedSet&) const = default;

  // Calls visit(key, is_added) for each key that is in one of them only, in their order.
  template <typename F>
  static void differences(const SharedSet& before, const SharedSet& after, F&& visit) {
    Map::differences(before.map_, after.map_, [&](const K& key, const std::monostate* old, const std::monostate*) {
      visit(key, old == nullptr);
    });
  }

 private:
  Map map_;
};

}  // namespace brume
