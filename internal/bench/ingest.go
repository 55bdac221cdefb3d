package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

const secret = "a-webhook-secret-of-32-characters"

// load is what a round of load found.
type load struct {
	rate     float64 // accepted per second
	p50, p99 time.Duration
	cpu      float64 // ms an event, of the endpoint and Postgres
	rss      float64 // MiB
}

// ingest measures how many webhooks are accepted, against an endpoint that makes one insert a request, in turns.
func (b *bench) ingest(ctx context.Context) error {
	rows := [][]string{{"connections", "", "accepted/s", "p50", "p99", "CPU/event", "peak RSS", "ratio", "wanted"}}
	for _, connections := range []int{16, 64, 256} {
		var ours, theirs []load
		for range b.rounds {
			for _, role := range []string{"", "naive"} {
				round, err := b.round(ctx, role, connections)
				if err != nil {
					return err
				}
				if role == "" {
					ours = append(ours, round)
				} else {
					theirs = append(theirs, round)
				}
			}
		}
		o, n := median(ours), median(theirs)
		ratio := o.rate / n.rate
		least := map[int]float64{16: 0, 64: 3, 256: 3.5}[connections]
		verdict := wanted(ratio >= least && o.p99 <= n.p99 && o.rss < 64, fmt.Sprintf("%.1fx, p99 no worse, under 64 MiB", least))
		if least == 0 {
			verdict = wanted(o.p99 <= n.p99 && o.rss < 64, "p99 no worse, under 64 MiB")
		}
		rows = append(rows, o.row(fmt.Sprint(connections), "crmsync", fmt.Sprintf("%.2fx", ratio), verdict),
			n.row("", "one insert a request", "", ""))
	}
	table(fmt.Sprintf("Ingest: webhooks accepted (medians of %d rounds of %s, in turns)", b.rounds, b.seconds), rows)
	return nil
}

func (l load) row(connections, what, ratio, verdict string) []string {
	return []string{connections, what, fmt.Sprintf("%.0f", l.rate), millis(l.p50), millis(l.p99), fmt.Sprintf("%.3f ms", l.cpu),
		fmt.Sprintf("%.0f MiB", l.rss), ratio, verdict}
}

// round puts an endpoint under load for a while.
func (b *bench) round(ctx context.Context, role string, connections int) (l load, err error) {
	if err := b.truncate(ctx); err != nil {
		return l, err
	}
	p, err := b.start(ctx, role, map[string][]string{"": {"ingest"}}[role]...)
	if err != nil {
		return l, err
	}
	defer p.stop()
	url := "http://" + p.addr + "/webhooks/monday/" + secret
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: connections}}
	defer client.CloseIdleConnections()
	if _, err := fire(ctx, client, url, connections, b.seconds/4); err != nil { // warms up
		return l, err
	}
	before, began := b.cpu(p), time.Now()
	took, err := fire(ctx, client, url, connections, b.seconds)
	if err != nil {
		return l, err
	}
	elapsed := time.Since(began)
	slices.Sort(took)
	return load{
		rate: float64(len(took)) / elapsed.Seconds(),
		p50:  quantile(took, 0.5), p99: quantile(took, 0.99),
		cpu: 1000 * (b.cpu(p) - before) / float64(len(took)),
		rss: p.rss(),
	}, nil
}

var fired atomic.Int64 // deliveries so far: each has a triggerUuid of its own

// fire posts from many connections for a while, and returns how long each accepted delivery took.
func fire(ctx context.Context, client *http.Client, url string, connections int, d time.Duration) (took []time.Duration, err error) {
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	var mu sync.Mutex
	var group sync.WaitGroup
	for range connections {
		group.Go(func() {
			var own []time.Duration
			for ctx.Err() == nil {
				began := time.Now()
				failed := post(client, url, payload(fired.Add(1), 8_500_000_000+fired.Load()%2000))
				if failed != nil {
					mu.Lock()
					err = failed
					mu.Unlock()
					return
				}
				own = append(own, time.Since(began))
			}
			mu.Lock()
			took = append(took, own...)
			mu.Unlock()
		})
	}
	group.Wait()
	return took, err
}

func post(client *http.Client, url string, body []byte) error {
	resp, err := client.Post(url, "application/json", bytes.NewReader(body))
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	io.Copy(io.Discard, resp.Body)
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("answered %d", resp.StatusCode)
	}
	return nil
}

// payload is a change of an e-mail column as Monday tells it.
func payload(n, item int64) []byte {
	at := time.Now().UTC()
	return fmt.Appendf(nil, `{"event":{"app":"monday","type":"update_column_value","triggerTime":%q,"subscriptionId":810765988,"isRetry":false,`+
		`"userId":107870718,"originalTriggerUuid":null,"boardId":1002,"groupId":"topics","pulseId":%d,"pulseName":"Ada Lovelace","columnId":"email",`+
		`"columnType":"email","columnTitle":"Email","value":{"email":"ada%d@example.org","text":"ada%d@example.org","changed_at":%q},"previousValue":null,`+
		`"changedAt":%.6f,"isTopGroup":true,"triggerUuid":"%032x"}}`,
		at.Format(time.RFC3339Nano), item, n, n, at.Format(time.RFC3339Nano), float64(at.UnixMicro())/1e6, n)
}

// truncate empties the tables between measurements.
func (b *bench) truncate(ctx context.Context) error {
	_, err := b.db.Exec(ctx, "TRUNCATE river_job, items, links, sync_logs, error_logs, dead_letters")
	return err
}

// median is the round in the middle by its rate, with the worst memory.
func median(rounds []load) load {
	slices.SortFunc(rounds, func(a, b load) int { return int(a.rate - b.rate) })
	m := rounds[len(rounds)/2]
	for _, r := range rounds {
		m.rss = max(m.rss, r.rss)
	}
	return m
}

func quantile(sorted []time.Duration, q float64) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[min(len(sorted)-1, int(q*float64(len(sorted))))]
}

func millis(d time.Duration) string {
	return fmt.Sprintf("%.1f ms", float64(d.Microseconds())/1000)
}
