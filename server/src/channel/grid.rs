//! The grid on which replies leave. The work per operation is the same for every PIN by construction; the grid hides
//! what the machine adds to it.

use std::time::Duration;

use tokio::time::Instant;

/// Releases replies at whole multiples of a period since the connection began, or since a datagram came.
#[derive(Debug, Clone, Copy)]
pub(super) struct Grid {
    began: Instant,
}

impl Grid {
    /// A grid that begins now.
    pub(super) fn new() -> Self {
        Self { began: now() }
    }

    /// Waits for the next point of the grid. A period of zero is none.
    ///
    /// Cancel safe.
    pub(super) async fn wait(&self, period: Duration) {
        let elapsed = now().saturating_duration_since(self.began);
        if let Some(points) = elapsed.as_nanos().checked_div(period.as_nanos())
            && let Ok(points) = u32::try_from(points + 1)
        {
            tokio::time::sleep_until(self.began + period * points).await;
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "the grid is about time that passes, not about what time it is")]
pub(super) fn now() -> Instant {
    Instant::now()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn replies_leave_on_whole_multiples_of_the_period() {
        let grid = Grid::new();
        for (work, at) in [(3, 10), (0, 20), (25, 50)] {
            tokio::time::advance(Duration::from_millis(work)).await;
            grid.wait(Duration::from_millis(10)).await;
            assert_eq!(grid.began.elapsed().as_millis(), at);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_period_of_zero_waits_for_nothing() {
        let grid = Grid::new();
        grid.wait(Duration::ZERO).await;
        assert_eq!(grid.began.elapsed(), Duration::ZERO);
    }
}
