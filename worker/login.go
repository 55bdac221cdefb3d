package worker

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"crmsync/mondayclient"
	"crmsync/sfclient"
)

// loginLasts limits how long a login at the start may take.
const loginLasts = time.Minute

// logIn logs in to both systems once, and logs the user and the host. A failure does not prevent the start: the system
// may be back when the first event arrives.
func (p *Pool) logIn(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, loginLasts)
	defer cancel()
	log := p.config.Log
	if who, err := p.config.Salesforce.WhoAmI(ctx); err != nil {
		loginFailed(log, "salesforce", err)
	} else {
		log.Info("logged in", "system", "salesforce", "host", who.Host, "org", who.OrgID, "user", who.Username,
			"calls_left", max(who.Limit-who.Used, 0), "calls_limit", who.Limit)
	}
	who, err := p.config.Monday.WhoAmI(ctx)
	if err != nil {
		loginFailed(log, "monday", err)
		return
	}
	budget := p.config.Monday.Budget()
	log.Info("logged in", "system", "monday", "account", who.Account, "user", who.UserID,
		"calls_left", budget.Calls, "calls_limit", budget.CallsLimit)
}

func loginFailed(log *slog.Logger, system string, err error) {
	if stoppedHere(err) {
		return
	}
	var advice string
	if salesforce, ok := errors.AsType[*sfclient.Error](err); ok {
		advice = salesforce.Advice()
	} else if monday, ok := errors.AsType[*mondayclient.Error](err); ok {
		advice = mondayclient.Advice(monday.Code)
	}
	log.Error("could not log in: events wait until it works", "system", system, "error", err, "advice", advice)
}
