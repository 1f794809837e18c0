package acd

import (
	"cmp"
	"fmt"
)

// rank is the order of calls and of agents: first everything with head, then by
// key, then by tie, then by id. All instants are in ns since 1970.
type rank struct {
	head bool
	key  int64 // instant minus head start
	tie  int64 // calls: Since; agents: 0
	id   string
}

func (a *rank) less(b *rank) bool { return a.compare(b) < 0 }

func (a *rank) compare(b *rank) int {
	if a.head != b.head {
		if a.head {
			return -1
		}
		return 1
	}
	if a.key != b.key {
		return cmp.Compare(a.key, b.key)
	}
	if a.tie != b.tie {
		return cmp.Compare(a.tie, b.tie)
	}
	return cmp.Compare(a.id, b.id)
}

// node is the place of one item in a tree; it lives inside the item, so that
// moving an item allocates nothing.
type node[T any] struct {
	rank
	since       int64 // what first come first served would order by
	item        T
	left, right *node[T]
	prio        uint64 // heap order from the root: larger first
	size        int
	oldest      int64   // least since of the subtree
	share       float64 // agents: the grade that the key was made with
	mark        int64   // calls: overtaken; agents: passed over, or grade in millionths of a star
	most        int64   // largest mark of the subtree
	add         int64   // that the marks below still have to get
	in          bool
}

// tree is an ordered set with positions: a treap whose priorities are a hash of
// the items' counters, so that equal events build equal trees. The work of each
// operation is proportional to the logarithm of its size.
type tree[T any] struct {
	root *node[T]
	head *node[T] // the first one, or nil
}

func (t *tree[T]) len() int { return t.root.count() }

func (n *node[T]) count() int {
	if n == nil {
		return 0
	}
	return n.size
}

func (n *node[T]) update() {
	n.size, n.oldest, n.most = 1, n.since, n.mark
	if l := n.left; l != nil {
		n.size += l.size
		n.oldest = min(n.oldest, l.oldest)
		n.most = max(n.most, l.most)
	}
	if r := n.right; r != nil {
		n.size += r.size
		n.oldest = min(n.oldest, r.oldest)
		n.most = max(n.most, r.most)
	}
}

// raise adds to the marks of a whole subtree, the ones below its root later.
func (n *node[T]) raise(d int64) {
	if n != nil {
		n.mark += d
		n.most += d
		n.add += d
	}
}

// settle passes on what the marks below still have to get.
func (n *node[T]) settle() {
	if n.add != 0 {
		n.left.raise(n.add)
		n.right.raise(n.add)
		n.add = 0
	}
}

func (t *tree[T]) insert(n *node[T]) {
	n.left, n.right, n.in, n.add = nil, nil, true, 0
	t.root = insert(t.root, n)
	if t.head == nil || n.less(&t.head.rank) {
		t.head = n
	}
}

func insert[T any](at, n *node[T]) *node[T] {
	switch {
	case at == nil:
		n.update()
		return n
	case n.prio > at.prio:
		n.left, n.right = split(at, &n.rank)
		n.update()
		return n
	}
	at.settle()
	if n.less(&at.rank) {
		at.left = insert(at.left, n)
	} else {
		at.right = insert(at.right, n)
	}
	at.update()
	return at
}

// split parts a subtree into what comes before r and the rest.
func split[T any](at *node[T], r *rank) (before, rest *node[T]) {
	if at == nil {
		return nil, nil
	}
	at.settle()
	if at.less(r) {
		at.right, rest = split(at.right, r)
		at.update()
		return at, rest
	}
	before, at.left = split(at.left, r)
	at.update()
	return before, at
}

// remove takes n out with its final mark; its rank must not have changed since insert.
func (t *tree[T]) remove(n *node[T]) {
	t.root = remove(t.root, n)
	if t.head == n {
		t.head = t.root.first()
	}
	n.left, n.right, n.in = nil, nil, false
}

func remove[T any](at, n *node[T]) *node[T] {
	at.settle()
	if at == n {
		return merge(n.left, n.right)
	}
	if n.less(&at.rank) {
		at.left = remove(at.left, n)
	} else {
		at.right = remove(at.right, n)
	}
	at.update()
	return at
}

func merge[T any](a, b *node[T]) *node[T] {
	switch {
	case a == nil:
		return b
	case b == nil:
		return a
	case a.prio > b.prio:
		a.settle()
		a.right = merge(a.right, b)
		a.update()
		return a
	}
	b.settle()
	b.left = merge(a, b.left)
	b.update()
	return b
}

// before counts the nodes in front of r.
func (t *tree[T]) before(r *rank) int {
	count := 0
	for n := t.root; n != nil; {
		if n.less(r) {
			count += n.left.count() + 1
			n = n.right
		} else {
			n = n.left
		}
	}
	return count
}

// first is the first node of a subtree, or nil.
func (n *node[T]) first() *node[T] {
	for n != nil && n.left != nil {
		n = n.left
	}
	return n
}

// ascend visits the nodes in order until yield says no.
func (t *tree[T]) ascend(yield func(*node[T]) bool) { t.root.ascend(yield) }

func (n *node[T]) ascend(yield func(*node[T]) bool) bool {
	if n == nil {
		return true
	}
	n.settle()
	return n.left.ascend(yield) && yield(n) && n.right.ascend(yield)
}

// raiseBefore adds to the marks of all nodes in front of r.
func (t *tree[T]) raiseBefore(r *rank, d int64) { t.root.raiseBefore(r, d) }

func (n *node[T]) raiseBefore(r *rank, d int64) {
	if n == nil {
		return
	}
	n.settle()
	if n.less(r) {
		n.left.raise(d)
		n.mark += d
		n.right.raiseBefore(r, d)
	} else {
		n.left.raiseBefore(r, d)
	}
	n.update()
}

// markedFrom visits the nodes with at least this mark, in order.
func (t *tree[T]) markedFrom(least int64) func(func(*node[T]) bool) {
	return func(yield func(*node[T]) bool) { t.root.marked(least, yield) }
}

func (n *node[T]) marked(least int64, yield func(*node[T]) bool) bool {
	if n == nil || n.most < least {
		return true
	}
	n.settle()
	return n.left.marked(least, yield) && (n.mark < least || yield(n)) && n.right.marked(least, yield)
}

// at is the node at a position, from 0.
func (t *tree[T]) at(pos int) *node[T] {
	n := t.root
	for n != nil {
		n.settle()
		switch left := n.left.count(); {
		case pos < left:
			n = n.left
		case pos == left:
			return n
		default:
			n, pos = n.right, pos-left-1
		}
	}
	return nil
}

// largest visits the nodes with keys up to last whose mark is more than that of
// what is kept, as below tells; the largest subtrees first.
func (n *node[T]) largest(last int64, below func(mark int64) bool, take func(*node[T])) {
	if n == nil || below(n.most) {
		return
	}
	n.settle()
	if n.key > last {
		n.left.largest(last, below, take)
		return
	}
	take(n)
	first, second := n.left, n.right
	if first == nil || second != nil && second.most > first.most {
		first, second = second, first
	}
	first.largest(last, below, take)
	second.largest(last, below, take)
}

// older tells whether the subtree has an item with a smaller since that counts.
func (n *node[T]) older(since int64, counts func(T) bool) bool {
	return n != nil && n.oldest < since &&
		(n.since < since && counts(n.item) || n.left.older(since, counts) || n.right.older(since, counts))
}

// check verifies order, heap, sizes and minima.
func (t *tree[T]) check() error {
	var last *node[T]
	var err error
	if t.head != t.root.first() {
		return fmt.Errorf("tree: its first is not the first")
	}
	t.ascend(func(n *node[T]) bool {
		size, oldest, most := n.size, n.oldest, n.most
		n.update()
		switch {
		case last != nil && !last.less(&n.rank):
			err = fmt.Errorf("tree: %q is not after %q", n.id, last.id)
		case n.left != nil && n.left.prio > n.prio, n.right != nil && n.right.prio > n.prio:
			err = fmt.Errorf("tree: %q lies under a smaller priority", n.id)
		case size != n.size || oldest != n.oldest || most != n.most:
			err = fmt.Errorf("tree: %q has size %d, oldest %d, most %d, want %d, %d, %d", n.id, size, oldest, most, n.size, n.oldest, n.most)
		case !n.in:
			err = fmt.Errorf("tree: %q does not know that it is in", n.id)
		}
		last = n
		return err == nil
	})
	return err
}

// mix spreads a counter over 64 bits (the finalizer of splitmix64).
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
