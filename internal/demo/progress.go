package demo

import (
	"context"
	"fmt"
	"time"

	"crmsync/internal/words"
)

// progress prints the progress until the returned function is called: on a terminal in one line, otherwise one line
// every 5 s.
func (d *demo) progress(ctx context.Context) (end func()) {
	fmt.Fprintf(d.out, "%7s%15s%12s%10s%10s%12s%9s\n", "time", "actions", "delivered", "processed", "waiting", "API calls",
		"faults")
	ctx, cancel := context.WithCancel(ctx)
	every := 5 * time.Second
	if d.refresh {
		every = 200 * time.Millisecond
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for sleep(ctx, every) {
			d.tell(ctx)
		}
	}()
	return func() {
		cancel()
		<-done
		d.tell(context.WithoutCancel(ctx))
		if d.refresh {
			fmt.Fprintln(d.out)
		}
	}
}

// tell prints one line of progress.
func (d *demo) tell(ctx context.Context) {
	q, err := d.queue(ctx)
	if err != nil {
		return // the next line has newer numbers
	}
	_, deliveries := d.Monday.DeliveryCounts()
	performed := words.Number(int(d.scenario.performed.Load())) + "/" + words.Number(d.scenario.actions)
	calls := d.Salesforce.TotalCalls() + d.Monday.TotalCalls() - d.before.salesforce - d.before.monday
	line := fmt.Sprintf("%5.0f s%15s%12s%10s%10s%12s%9s", time.Since(d.began).Seconds(), performed,
		words.Number(deliveries-d.before.deliveries), words.Number(q.processed-d.before.processed),
		words.Number(q.waiting), words.Number(calls), words.Number(d.faults.tally().all()))
	if d.refresh {
		fmt.Fprint(d.out, "\r\x1b[K"+line)
	} else {
		fmt.Fprintln(d.out, line)
	}
}
