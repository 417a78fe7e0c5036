// Package tree holds the whole binary trees of binary_trees and of crowd.
package tree

type Tree struct{ left, right *Tree }

func Build(depth int) *Tree {
	made := &Tree{}
	if depth > 0 {
		made.left = Build(depth - 1)
		made.right = Build(depth - 1)
	}
	return made
}

func (t *Tree) Count() int {
	if t.left == nil {
		return 1
	}
	return 1 + t.left.Count() + t.right.Count()
}
