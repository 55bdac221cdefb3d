package batch_test

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"crmsync/internal/batch"
)

// gate is a run that announces each batch and holds it until it is released.
type gate struct {
	mu      sync.Mutex
	batches [][]int
	release chan struct{}
}

func newGate() *gate { return &gate{release: make(chan struct{})} }

func (g *gate) run(_ context.Context, in []int) []int {
	g.mu.Lock()
	g.batches = append(g.batches, slices.Clone(in))
	g.mu.Unlock()
	<-g.release
	return in
}

// seen returns the batches that have started, each sorted, since simultaneous calls arrive in any order.
func (g *gate) seen() [][]int {
	synctest.Wait()
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, b := range g.batches {
		slices.Sort(b)
	}
	return slices.Clone(g.batches)
}

// call sends the inputs in order, and waits until each is queued.
func call(t *testing.T, b *batch.Batcher[int, int], in ...int) {
	t.Helper()
	for _, n := range in {
		go func() {
			if out, err := b.Do(t.Context(), n); err != nil || out != n {
				t.Errorf("Do(%d) = %d, %v", n, out, err)
			}
		}()
		synctest.Wait()
	}
}

func TestRule(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		config batch.Config[int]
		calls  []int
		want   [][]int // that start before any ends
		after  [][]int // that start when the first has ended
	}{
		"a lone call starts at once": {
			config: batch.Config[int]{Max: 10, Concurrency: 2},
			calls:  []int{1}, want: [][]int{{1}},
		},
		"the second waits while one is running": {
			config: batch.Config[int]{Max: 10, Concurrency: 2},
			calls:  []int{1, 2, 3}, want: [][]int{{1}}, after: [][]int{{2, 3}},
		},
		"a full one starts beside the first": {
			config: batch.Config[int]{Max: 10, Concurrency: 2, Full: 3},
			calls:  []int{1, 2, 3, 4}, want: [][]int{{1}, {2, 3, 4}},
		},
		"Full defaults to Max": {
			config: batch.Config[int]{Max: 2, Concurrency: 2},
			calls:  []int{1, 2, 3}, want: [][]int{{1}, {2, 3}},
		},
		"never more than Concurrency, never more than Max": {
			config: batch.Config[int]{Max: 2, Concurrency: 2},
			calls:  []int{1, 2, 3, 4, 5, 6}, want: [][]int{{1}, {2, 3}}, after: [][]int{{4, 5}},
		},
		"a call whose key is running waits, and does not count": {
			config: batch.Config[int]{Max: 2, Concurrency: 3, Key: func(n int) int64 { return int64(n % 10) }},
			calls:  []int{1, 11, 21, 2, 3}, want: [][]int{{1}, {2, 3}},
		},
		"calls of a key count once": {
			config: batch.Config[int]{Max: 4, Keys: 2, Concurrency: 2, Key: func(n int) int64 { return int64(n % 10) }},
			calls:  []int{1, 2, 12, 22, 3}, want: [][]int{{1}, {2, 3, 12, 22}},
		},
		"never more calls than Max, whatever the keys": {
			config: batch.Config[int]{Max: 2, Keys: 2, Concurrency: 1, Key: func(n int) int64 { return int64(n % 10) }},
			calls:  []int{1, 2, 12, 22}, want: [][]int{{1}}, after: [][]int{{2, 12}},
		},
		"waiting calls start if no more can arrive": {
			config: batch.Config[int]{Max: 10, Concurrency: 3, Complete: func() bool { return true }},
			calls:  []int{1, 2, 3, 4}, want: [][]int{{1}, {2}, {3}}, after: [][]int{{4}},
		},
		"calls of a freed key start": {
			config: batch.Config[int]{Max: 2, Concurrency: 1, Key: func(n int) int64 { return int64(n % 10) }},
			calls:  []int{1, 11, 21}, want: [][]int{{1}}, after: [][]int{{11, 21}},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				g := newGate()
				b := batch.New(tt.config, g.run)
				call(t, b, tt.calls...)
				if diff := cmp.Diff(tt.want, g.seen()); diff != "" {
					t.Errorf("started (-want +got):\n%s", diff)
				}
				if got, want := b.Waiting(), len(tt.calls)-len(slices.Concat(tt.want...)); got != want {
					t.Errorf("Waiting() = %d, want %d", got, want)
				}
				g.release <- struct{}{}
				if diff := cmp.Diff(slices.Concat(tt.want, tt.after), g.seen()); len(tt.after) > 0 && diff != "" {
					t.Errorf("started after the first end (-want +got):\n%s", diff)
				}
				close(g.release)
				if err := b.Close(t.Context()); err != nil {
					t.Errorf("Close() = %v", err)
				}
				synctest.Wait()
			})
		})
	}
}

func TestLeave(t *testing.T) {
	t.Parallel()
	errGone := errors.New("gone")
	for name, key := range map[string]func(int) int64{
		"no keys":         nil,
		"a key each":      func(n int) int64 { return int64(n) },
		"one key for all": func(int) int64 { return 0 },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				g := newGate()
				b := batch.New(batch.Config[int]{Max: 10, Concurrency: 1, Key: key}, g.run)
				ctx, cancel := context.WithCancelCause(t.Context())
				for i := range 2 { // the first runs, the second waits
					go func() {
						if _, err := b.Do(ctx, i); !errors.Is(err, errGone) {
							t.Errorf("Do() of call %d = %v, want the cause", i, err)
						}
					}()
					synctest.Wait()
				}
				call(t, b, 2)
				cancel(errGone)
				synctest.Wait()
				if got := b.Waiting(); got != 1 {
					t.Errorf("Waiting() = %d, want 1", got)
				}
				g.release <- struct{}{}
				if diff := cmp.Diff([][]int{{0}, {2}}, g.seen()); diff != "" {
					t.Errorf("batches (-want +got):\n%s", diff)
				}
				if _, err := b.Do(ctx, 3); !errors.Is(err, errGone) {
					t.Errorf("Do() with an ended ctx = %v, want its cause", err)
				}
				close(g.release)
				synctest.Wait()
			})
		})
	}
}

// TestWithin: calls end after Within, each counted from its own start, and a batch that runs continues.
func TestWithin(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var dropped []int
		g := newGate()
		b := batch.New(batch.Config[int]{Max: 5, Within: time.Second, Dropped: func(n int) { dropped = append(dropped, n) }},
			g.run)
		call(t, b, 0)
		time.Sleep(900 * time.Millisecond)
		g.release <- struct{}{}
		synctest.Wait() // the next calls reuse what this one used
		began := time.Now()
		for n := 1; n <= 2; n++ { // the first runs, the second waits
			go func() {
				if _, err := b.Do(t.Context(), n); !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("Do(%d) = %v, want context.DeadlineExceeded", n, err)
				}
				if waited := time.Since(began); waited != time.Second {
					t.Errorf("Do(%d) waited %v", n, waited)
				}
			}()
			synctest.Wait()
		}
		time.Sleep(2 * time.Second)
		call(t, b, 3)
		close(g.release)
		if diff := cmp.Diff([][]int{{0}, {1}, {3}}, g.seen()); diff != "" {
			t.Errorf("batches (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff([]int{2}, dropped); diff != "" {
			t.Errorf("dropped (-want +got):\n%s", diff)
		}
	})
}

func TestFaults(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		run  func(context.Context, []int) []int
		want string
	}{
		"panic":       {func(context.Context, []int) []int { panic("Jane Doe") }, "panic: string"},
		"runtime":     {func(_ context.Context, in []int) []int { in[0] /= len(in) - 1; return in }, "panic: runtime error: integer divide by zero"},
		"exit":        {func(context.Context, []int) []int { runtime.Goexit(); return nil }, "goroutine exited"},
		"few answers": {func(context.Context, []int) []int { return nil }, "batch: run returned 0 answers for 1 calls"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := batch.New(batch.Config[int]{Max: 1, Concurrency: 1, Key: func(int) int64 { return 0 }}, tt.run)
			for range 2 { // the second shows that the place and the key are free again
				if _, err := b.Do(t.Context(), 1); err == nil || err.Error() != tt.want {
					t.Errorf("Do() = %v, want %s", err, tt.want)
				}
			}
		})
	}
}

func TestClose(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := newGate()
		var dropped []int
		drop := func(n int) { dropped = append(dropped, n) }
		b := batch.New(batch.Config[int]{Max: 1, Concurrency: 1, Dropped: drop}, g.run)
		call(t, b, 1, 2)
		time.AfterFunc(time.Second, func() { close(g.release) })
		if err := b.Close(t.Context()); err != nil {
			t.Errorf("Close() = %v", err)
		}
		if diff := cmp.Diff([][]int{{1}, {2}}, g.seen()); diff != "" {
			t.Errorf("batches at the end of Close (-want +got):\n%s", diff)
		}
		if _, err := b.Do(t.Context(), 3); !errors.Is(err, batch.ErrClosed) || !cmp.Equal(dropped, []int{3}) {
			t.Errorf("Do() after Close() = %v, dropped %v", err, dropped)
		}
		if err := b.Close(t.Context()); err != nil {
			t.Errorf("second Close() = %v", err)
		}
	})
}

func TestCloseRunsOutOfTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := batch.New(batch.Config[int]{Max: 1, Concurrency: 1}, func(ctx context.Context, in []int) []int {
			<-ctx.Done()
			return in
		})
		call(t, b, 1)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := b.Close(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Close() = %v", err)
		}
		synctest.Wait() // the call has been answered too, since the batch's context has ended
	})
}

// TestProperties runs many concurrent callers, some of whom leave early, and checks the batcher's guarantees.
func TestProperties(t *testing.T) {
	t.Parallel()
	type input struct{ id, key int }
	rapid.Check(t, func(t *rapid.T) {
		c := batch.Config[input]{
			Max:         rapid.IntRange(1, 20).Draw(t, "max"),
			Concurrency: rapid.IntRange(1, 4).Draw(t, "concurrency"),
			Full:        rapid.IntRange(0, 20).Draw(t, "full"),
		}
		keys := rapid.SampledFrom([]int{0, 1, 3, 50}).Draw(t, "keys")
		if keys > 0 {
			c.Key = func(in input) int64 { return int64(in.key) }
			c.Keys = rapid.IntRange(0, 20).Draw(t, "keys in a batch")
		}
		if rapid.Bool().Draw(t, "complete") {
			c.Complete = func() bool { return true }
		}
		const callers = 200
		var ran, dropped [callers]atomic.Int32
		var outKeys [50]atomic.Int32
		var out atomic.Int32
		var faults sync.Map
		c.Dropped = func(in input) { dropped[in.id].Add(1) }
		b := batch.New(c, func(_ context.Context, in []input) []int {
			answers := make([]int, len(in))
			if n := out.Add(1); int(n) > c.Concurrency || len(in) > c.Max || len(in) == 0 {
				faults.Store("size or concurrency", [2]int{int(n), len(in)})
			}
			mine := map[int]bool{}
			for i, call := range in {
				ran[call.id].Add(1)
				answers[i] = -call.id
				if keys > 0 && !mine[call.key] && outKeys[call.key].Add(1) > 1 {
					faults.Store("key in two batches", call.key)
				}
				mine[call.key] = true
			}
			if keys > 0 && c.Keys > 0 && len(mine) > c.Keys {
				faults.Store("keys in a batch", len(mine))
			}
			runtime.Gosched()
			for key := range mine {
				outKeys[key].Add(-1)
			}
			out.Add(-1)
			return answers
		})
		var done sync.WaitGroup
		for id := range callers {
			ctx, cancel := context.WithCancel(context.Background())
			leaves := id%7 == 0
			done.Go(func() {
				got, err := b.Do(ctx, input{id, id % max(keys, 1)})
				if (err != nil && !leaves) || (err == nil && got != -id) {
					faults.Store("answer", [2]any{got, err})
				}
				if err == nil && ran[id].Load() != 1 {
					faults.Store("answered without a run", id)
				}
				cancel()
			})
			if leaves {
				done.Go(func() { runtime.Gosched(); cancel() })
			}
		}
		done.Wait()
		if err := b.Close(context.Background()); err != nil {
			t.Errorf("Close() = %v", err)
		}
		for id := range callers {
			if r, d := ran[id].Load(), dropped[id].Load(); r+d != 1 {
				t.Errorf("call %d was run %d times and dropped %d times", id, r, d)
			}
		}
		faults.Range(func(what, n any) bool { t.Errorf("%v: %v", what, n); return true })
	})
}

func BenchmarkDo(b *testing.B) {
	for name, key := range map[string]func(int) int64{"keys": func(n int) int64 { return int64(n % 1000) }, "no keys": nil} {
		b.Run(name, func(b *testing.B) {
			d := batch.New(batch.Config[int]{Max: 200, Concurrency: 4, Key: key}, func(_ context.Context, in []int) []int { return in })
			var n atomic.Int64
			b.SetParallelism(2000 / runtime.GOMAXPROCS(0))
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if _, err := d.Do(context.Background(), int(n.Add(1))); err != nil {
						b.Error(err)
					}
				}
			})
		})
	}
}
