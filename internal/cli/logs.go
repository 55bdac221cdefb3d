package cli

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"crmsync/internal/app"
	"crmsync/schema/store"
)

type logsExportCommand struct {
	Since string `help:"Start: a span before now, such as 24h, or a date, such as 2026-01-31." default:"24h"`
	Item  itemID `help:"Only this item of Monday." placeholder:"ID"`
}

// Run prints the sync log as CSV (RFC 4180), oldest first.
//
// https://www.rfc-editor.org/rfc/rfc4180
func (c logsExportCommand) Run(ctx context.Context, p *program) error {
	since, err := parseSince(c.Since, time.Now())
	if err != nil {
		return app.UsageError{Err: err}
	}
	db, err := p.openDatabase(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	out := csv.NewWriter(p.stdout)
	out.UseCRLF = true
	header := []string{"job_id", "event", "board_id", "item_id", "column_id", "status", "attempt", "received_at",
		"finished_at", "response_data"}
	if err := out.Write(header); err != nil {
		return fmt.Errorf("writing the log: %w", err)
	}
	err = store.New(db).EachLog(ctx, since, int64(c.Item), func(r store.LogRow) error {
		column := ""
		if r.ColumnID != nil {
			column = *r.ColumnID
		}
		return out.Write([]string{strconv.FormatInt(r.JobID, 10), cell(r.Event), id(r.BoardID), id(r.ItemID),
			cell(column), r.Status, strconv.Itoa(r.Attempt), r.ReceivedAt.UTC().Format(time.RFC3339Nano),
			r.FinishedAt.UTC().Format(time.RFC3339Nano), cell(r.Response)})
	})
	out.Flush()
	return errors.Join(err, out.Error())
}

func id(n *int64) string {
	if n == nil {
		return ""
	}
	return strconv.FormatInt(*n, 10)
}

// parseSince parses a span before now, a date or a time.
func parseSince(text string, now time.Time) (time.Time, error) {
	if d, err := time.ParseDuration(text); err == nil && d > 0 {
		return now.Add(-d), nil
	}
	for _, layout := range []string{time.DateOnly, time.RFC3339} {
		if at, err := time.Parse(layout, text); err == nil {
			return at, nil
		}
	}
	return time.Time{}, fmt.Errorf("--since: %q is not a span such as 24h, a date such as 2026-01-31 or a time such as "+
		"2026-01-31T06:00:00Z", text)
}

// cell keeps a spreadsheet from interpreting a text as a formula.
//
// https://owasp.org/www-community/attacks/CSV_Injection
func cell(text string) string {
	if text != "" && strings.ContainsRune("=+-@\t\r\n|%", rune(text[0])) {
		return "'" + text
	}
	return text
}
