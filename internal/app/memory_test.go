package app

import (
	"runtime"
	"testing"
)

// TestLimitFor: the limit is the role's, unless what is in use would leave the collector little room.
func TestLimitFor(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ least, live, beside, want int64 }{
		"idle":        {least: 66, live: 5, beside: 6, want: 66},
		"as measured": {least: 66, live: 25, beside: 16, want: 66},
		"large items": {least: 66, live: 60, beside: 20, want: 140},
	} {
		if got := limitFor(tt.least, inUse{live: tt.live, beside: tt.beside}); got != tt.want {
			t.Errorf("%s: %d, want %d", name, got, tt.want)
		}
	}
}

// TestLeastLimit: a role has its own share, and serve has both.
func TestLeastLimit(t *testing.T) {
	t.Parallel()
	c := Config{MaxWorkers: 1024}
	ingest, worker := leastLimit(c, Role{Ingest: true}), leastLimit(c, Role{Worker: true})
	if ingest != 48<<20 || worker != (35+16)<<20 {
		t.Errorf("ingest %d, worker %d", ingest, worker)
	}
	if serve := leastLimit(c, Role{Ingest: true, Worker: true}); serve != ingest+worker {
		t.Errorf("serve %d, want %d", serve, ingest+worker)
	}
}

// TestMemoryInUse: objects in use raise what is measured as live, and nothing else.
func TestMemoryInUse(t *testing.T) { //nolint:paralleltest // other tests' objects would count
	const size = 64 << 20
	runtime.GC()
	before := memoryInUse()
	kept := make([]byte, size)
	runtime.GC()
	after := memoryInUse()
	runtime.KeepAlive(kept)
	if grown := after.live - before.live; grown < size-size/4 || grown > size+size/4 {
		t.Errorf("%d bytes more in use, want about %d", grown, size)
	}
	if grown := after.beside - before.beside; grown > size/4 || before.beside <= 0 {
		t.Errorf("%d bytes beside the heap, then %d more", before.beside, grown)
	}
}
