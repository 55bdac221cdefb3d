package batch_test

import (
	"context"
	"fmt"

	"crmsync/internal/batch"
)

// A batcher turns single calls into calls for many. Each caller gets the answer to its own input.
func Example() {
	double := func(_ context.Context, in []int) []int {
		out := make([]int, len(in))
		for n, v := range in {
			out[n] = 2 * v
		}
		return out
	}
	b := batch.New(batch.Config[int]{Max: 100, Concurrency: 2}, double)
	answer, err := b.Do(context.Background(), 21)
	fmt.Println(answer, err)
	fmt.Println(b.Close(context.Background()))
	// Output:
	// 42 <nil>
	// <nil>
}
