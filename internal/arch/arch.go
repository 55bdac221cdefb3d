// Package arch holds rules of the repository as tests: who may import whom, and which licences a binary may carry.
package arch
