//! Plots as SVG: points with names, lines, on linear or logarithmic axes.

use std::ops::Range;
use std::path::Path;

use anyhow::{Result, anyhow, bail};
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use crate::output_file;

/// A plot of series of points.
#[derive(Clone, Debug)]
pub(crate) struct Plot {
    pub title: String,
    pub x: Axis,
    pub y: Axis,
    pub series: Vec<Series>,
}

/// What an axis shows.
#[derive(Clone, Debug)]
pub(crate) struct Axis {
    pub label: String,
    pub logarithmic: bool,
}

/// Points that belong together.
#[derive(Clone, Debug)]
pub(crate) struct Series {
    pub name: String,
    pub points: Vec<Point>,
    pub marks: Marks,
}

/// How a series is drawn.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Marks {
    Points,
    Line,
    Both,
}

/// A point, with its name where it has one.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Point {
    pub x: f64,
    pub y: f64,
    pub name: String,
}

impl Axis {
    pub(crate) fn linear(label: impl Into<String>) -> Self {
        Self { label: label.into(), logarithmic: false }
    }

    pub(crate) fn logarithmic(label: impl Into<String>) -> Self {
        Self { label: label.into(), logarithmic: true }
    }

    /// Where a value lies on the axis.
    fn place(&self, value: f64) -> f64 {
        if self.logarithmic { value.log10() } else { value }
    }

    /// The range of the axis, with room around the values. Where linear values lie far from
    /// zero, the axis does not begin there.
    fn range(&self, values: impl Iterator<Item = f64>) -> Option<Range<f64>> {
        let (low, high) = values
            .map(|value| self.place(value))
            .filter(|place| place.is_finite())
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), place| {
                (low.min(place), high.max(place))
            });
        if low > high {
            return None;
        }
        let margin = if high > low { (high - low) * 0.08 } else { high.abs().max(1.0) * 0.5 };
        let near_zero = !self.logarithmic && low >= 0.0 && low < 0.5 * high;
        Some(if near_zero { 0.0 } else { low - margin }..high + margin)
    }

    /// What is written beside a tick.
    fn tick(&self, place: f64) -> String {
        let value = if self.logarithmic { 10f64.powf(place) } else { place };
        match value.abs() {
            0.0 => "0".into(),
            size if size >= 1e6 => {
                format!("{:.0}e{}", value / 10f64.powi(size.log10() as i32), size.log10() as i32)
            }
            size if size >= 100.0 => format!("{value:.0}"),
            size if size >= 10.0 => format!("{value:.1}"),
            size if size >= 0.1 => format!("{value:.2}"),
            _ => format!("{value:.3}"),
        }
    }
}

impl Plot {
    /// Draws the plot into a file.
    pub(crate) fn write(&self, path: &Path) -> Result<()> {
        output_file::write(path, &self.to_svg()?)
    }

    pub(crate) fn to_svg(&self) -> Result<String> {
        let points = || self.series.iter().flat_map(|series| &series.points);
        let x_range = self.x.range(points().map(|point| point.x));
        let y_range = self.y.range(points().map(|point| point.y));
        let (Some(x_range), Some(y_range)) = (x_range, y_range) else {
            bail!("'{}' has no points to draw", self.title);
        };
        let mut svg = String::new();
        let drawn = self.draw(&mut svg, x_range, y_range);
        drawn.map_err(|error| anyhow!("'{}' cannot be drawn: {error}", self.title))?;
        Ok(svg)
    }

    fn draw(
        &self,
        svg: &mut String,
        x_range: Range<f64>,
        y_range: Range<f64>,
    ) -> Result<(), Box<dyn std::error::Error>> {
        let root = SVGBackend::with_string(svg, SIZE).into_drawing_area();
        root.fill(&WHITE)?;
        let mut chart = ChartBuilder::on(&root)
            .caption(&self.title, (FONT, 20))
            .margin(18)
            .x_label_area_size(50)
            .y_label_area_size(70)
            .build_cartesian_2d(x_range, y_range)?;
        chart
            .configure_mesh()
            .light_line_style(WHITE)
            .bold_line_style(BLACK.mix(0.12))
            .x_desc(&self.x.label)
            .y_desc(&self.y.label)
            .axis_desc_style((FONT, 15))
            .label_style((FONT, 13))
            .x_label_formatter(&|place| self.x.tick(*place))
            .y_label_formatter(&|place| self.y.tick(*place))
            .draw()?;
        let mut labels = Labels::default();
        for (index, series) in self.series.iter().enumerate() {
            let color = COLORS[index % COLORS.len()];
            let places = |point: &Point| (self.x.place(point.x), self.y.place(point.y));
            if series.marks != Marks::Points {
                let line = LineSeries::new(series.points.iter().map(places), color.stroke_width(2));
                let drawn = chart.draw_series(line)?;
                if series.marks == Marks::Line {
                    drawn.label(&series.name).legend(move |(x, y)| {
                        PathElement::new(vec![(x, y), (x + 16, y)], color.stroke_width(2))
                    });
                }
            }
            if series.marks != Marks::Line {
                let circles =
                    series.points.iter().map(|point| Circle::new(places(point), 4, color.filled()));
                chart
                    .draw_series(circles)?
                    .label(&series.name)
                    .legend(move |(x, y)| Circle::new((x + 8, y), 4, color.filled()));
            }
            for point in series.points.iter().filter(|point| !point.name.is_empty()) {
                labels.wanted.push((
                    chart.backend_coord(&places(point)),
                    point.name.clone(),
                    color,
                ));
            }
        }
        labels.draw(&root)?;
        chart
            .configure_series_labels()
            .position(SeriesLabelPosition::LowerRight)
            .background_style(WHITE.mix(0.85))
            .border_style(BLACK.mix(0.3))
            .label_font((FONT, 13))
            .draw()?;
        root.present()?;
        Ok(())
    }
}

/// Names beside points, moved so that they do not cover each other.
#[derive(Default)]
struct Labels {
    wanted: Vec<((i32, i32), String, RGBColor)>,
}

impl Labels {
    fn draw<DB: DrawingBackend>(
        mut self,
        root: &DrawingArea<DB, plotters::coord::Shift>,
    ) -> Result<(), DrawingAreaErrorKind<DB::ErrorType>> {
        self.wanted.sort_by_key(|((x, y), ..)| (*y, *x));
        let mut taken: Vec<(i32, i32, i32)> = Vec::new();
        for ((x, y), name, color) in self.wanted {
            let width = name.chars().count() as i32 * LETTER_WIDTH;
            let to_the_left = x + 8 + width > SIZE.0 as i32 - 10;
            let left = if to_the_left { x - 8 - width } else { x + 8 };
            let free = |y: i32| {
                taken.iter().all(|&(other, top, span)| {
                    (y - top).abs() >= LINE_HEIGHT || left > other + span || other > left + width
                })
            };
            let offsets = (0..12).flat_map(|step| [step * 4, -step * 4]);
            let line = offsets.map(|offset| y + offset).find(|&line| free(line)).unwrap_or(y);
            taken.push((left, line, width));
            let style = (FONT, 12).into_font().color(&color.mix(0.9));
            root.draw(&Text::new(
                name,
                (left, line),
                style.pos(Pos::new(HPos::Left, VPos::Center)),
            ))?;
        }
        Ok(())
    }
}

const SIZE: (u32, u32) = (960, 620);
const FONT: &str = "sans-serif";
/// Pixels of an average letter of a name, and of a line of them.
const LETTER_WIDTH: i32 = 7;
const LINE_HEIGHT: i32 = 13;
/// Distinct also to people who do not see all colours (Okabe and Ito).
const COLORS: [RGBColor; 7] = [
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(86, 180, 233),
    RGBColor(120, 94, 0),
    RGBColor(90, 90, 90),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn plot(points: Vec<Point>) -> Plot {
        let series = Series { name: "nets".into(), points, marks: Marks::Both };
        let (x, y) = (Axis::logarithmic("ms"), Axis::linear("top-1"));
        Plot { title: "a & b".into(), x, y, series: vec![series] }
    }

    #[test]
    fn names_of_points_are_in_the_picture() {
        let point = |x, name: &str| Point { x, y: 70.0, name: name.into() };
        let svg = plot(vec![point(1.0, "v2"), point(40.0, "v3 <large>")]).to_svg().unwrap();
        assert!(svg.contains("v2") && svg.contains("v3 &lt;large&gt;"), "{svg}");
    }

    #[test]
    fn a_plot_without_points_is_an_error() {
        assert!(plot(vec![]).to_svg().unwrap_err().to_string().contains("no points"));
    }
}
