// Package arch checks rules of the repository by tests: which package may import which, and which licenses a binary may
// contain.
package arch
