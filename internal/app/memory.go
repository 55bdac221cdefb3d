package app

import (
	"context"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// tuneMemory doubles GOGC, which halves the work of the garbage collector, since most of the heap dies with its request
// or batch. A soft memory limit, kept until ctx ends, bounds what that costs in memory: close to it, the collector runs
// more often. An explicit GOGC or GOMEMLIMIT wins.
func tuneMemory(ctx context.Context, getenv func(string) string, c Config, r Role) {
	if getenv("GOGC") == "" {
		debug.SetGCPercent(200)
	}
	if getenv("GOMEMLIMIT") == "" {
		limit := leastLimit(c, r)
		debug.SetMemoryLimit(limit)
		go tendLimit(ctx, limit)
	}
}

// leastLimit returns the memory limit of a role that has nothing unusual to do. The limit does not include the program
// itself, which takes another 25 MiB.
func leastLimit(c Config, r Role) int64 {
	var limit int64
	if r.Ingest {
		limit += 48 << 20
	}
	if r.Worker {
		// Each waiting job has a stack of 4 KiB, its row and its event.
		limit += 35<<20 + int64(c.MaxWorkers)<<14
	}
	return limit
}

// tendLimit adapts the memory limit each second.
func tendLimit(ctx context.Context, least int64) {
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	for now := least; ; {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		// Setting the limit stops the program for a moment, so it is not lowered for little.
		if limit := limitFor(least, memoryInUse()); limit > now || limit < now-now/8 {
			debug.SetMemoryLimit(limit)
			now = limit
		}
	}
}

// inUse is memory in use by the Go runtime, in bytes.
type inUse struct {
	live   int64 // objects that the last garbage collection found in use
	beside int64 // stacks and all else that is not heap
}

// limitFor returns the limit that leaves the collector as much room as GOGC=100 does at least. With less, large items
// would have it run all the time.
func limitFor(least int64, m inUse) int64 { return max(least, 2*m.live+m.beside) }

func memoryInUse() inUse {
	samples := []metrics.Sample{
		{Name: "/gc/heap/live:bytes"}, {Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/objects:bytes"},
		{Name: "/memory/classes/heap/unused:bytes"}, {Name: "/memory/classes/heap/free:bytes"},
		{Name: "/memory/classes/heap/released:bytes"},
	}
	metrics.Read(samples)
	beside := int64(samples[1].Value.Uint64())
	for _, heap := range samples[2:] {
		beside -= int64(heap.Value.Uint64())
	}
	return inUse{live: int64(samples[0].Value.Uint64()), beside: beside}
}
