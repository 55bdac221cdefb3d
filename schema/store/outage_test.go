package store_test

import (
	"strconv"
	"testing"
	"time"

	"crmsync/schema/store"
)

func TestOutages(t *testing.T) {
	t.Parallel()
	w := setup(t)
	do := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	ctx := t.Context()
	open := func() []store.Outage { t.Helper(); return must[[]store.Outage](t)(w.OpenOutages(ctx)) }
	telegram := must[store.Channel](t)(w.UseChannel(ctx, "telegram"))
	news := func() []store.Outage { t.Helper(); return must[[]store.Outage](t)(w.UntoldOutages(ctx, telegram)) }
	tell := func() {
		t.Helper()
		for _, o := range news() {
			id := strconv.FormatInt(o.ID, 10)
			alerts := []store.Alert{{Kind: store.AlertOutage, Subject: id, Occasion: o.StartedAt}}
			if o.EndedAt != nil {
				alerts = append(alerts, store.Alert{Kind: store.AlertOutageEnd, Subject: id, Occasion: *o.EndedAt})
			}
			do(w.RecordAlerts(ctx, "telegram", alerts))
			do(w.MarkAlerted(ctx, []string{"telegram"}))
		}
	}
	for range 3 { // several workers see it
		do(w.StartOutage(ctx, "salesforce", "503"))
	}
	do(w.StartOutage(ctx, "monday", "DailyLimit"))
	if got := news(); len(got) != 2 || got[0].System != "salesforce" || got[0].Code != "503" || got[0].Told || got[0].EndedAt != nil {
		t.Fatalf("news %+v", got)
	}
	tell()
	if got := news(); len(got) != 0 {
		t.Errorf("alerted, but still to be alerted: %+v", got)
	}
	seen := time.Now()
	do(w.SeeOutage(ctx, "salesforce"))
	do(w.EndOutage(ctx, "salesforce", seen))
	if got := open(); len(got) != 2 {
		t.Errorf("open %+v, although another worker has seen it away since", got)
	}
	do(w.EndOutage(ctx, "salesforce", time.Now().Add(time.Second)))
	if got := news(); len(got) != 1 || !got[0].Told || got[0].EndedAt == nil {
		t.Errorf("news of the end %+v", got)
	}
	do(w.StartOutage(ctx, "salesforce", "502"))
	if got := open(); len(got) != 2 || len(news()) != 0 {
		t.Errorf("open %+v, want it to continue, because its end was not alerted", got)
	}
	do(w.EndOutage(ctx, "salesforce", time.Now().Add(time.Second)))
	tell()
	do(w.StartOutage(ctx, "salesforce", "502"))
	if got := news(); len(got) != 1 || got[0].Told || got[0].Code != "502" {
		t.Errorf("news of the second %+v", got)
	}
	do(w.EndOutage(ctx, "salesforce", time.Now().Add(time.Second)))
	tell()
	if got := news(); len(got) != 0 {
		t.Errorf("start and end were alerted, but still to be alerted: %+v", got)
	}
	w.exec("UPDATE outages SET ended_at = now() - interval '2 minutes', ended_alert_at = NULL WHERE id = (SELECT max(id) FROM outages)")
	w.exec("DELETE FROM alert_deliveries WHERE kind = 'outage_end'")
	do(w.StartOutage(ctx, "salesforce", "503"))
	if n := ask[int](w, "SELECT count(*) FROM outages WHERE system = 'salesforce'"); n != 3 {
		t.Errorf("%d outages, want a new one, because the last ended long ago", n)
	}
}
