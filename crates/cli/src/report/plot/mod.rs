//! Plots as SVG or PNG: points with names, lines, on linear or logarithmic axes.

mod axis;
mod draw;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow};
use clap::builder::{PathBufValueParser, TypedValueParser};
use plotters::prelude::*;
use pocketvision::vision::Image;

pub(crate) use axis::Axis;

use crate::output_file;

/// A plot of series of points.
#[derive(Clone, Debug)]
pub(crate) struct Plot {
    pub title: String,
    pub x: Axis,
    pub y: Axis,
    pub series: Vec<Series>,
}

/// Points that belong together.
#[derive(Clone, Debug)]
pub(crate) struct Series {
    pub name: String,
    pub points: Vec<Point>,
    pub marks: Marks,
    /// Which of the plot's colours.
    pub color: usize,
}

impl Series {
    /// Points that no other beats, joined by a line from left to right, and hollow ones for the
    /// rest; a series that has no points is left out.
    pub(crate) fn front(
        name: &str,
        front: Vec<Point>,
        rest: Vec<Point>,
        color: usize,
    ) -> impl Iterator<Item = Self> {
        let front_name = format!("{name}: Pareto front");
        let series = |name, mut points: Vec<Point>, marks| {
            points.sort_by(|a, b| a.x.total_cmp(&b.x));
            Self { name, points, marks, color }
        };
        let both =
            [series(front_name, front, Marks::Both), series(name.to_owned(), rest, Marks::Hollow)];
        both.into_iter().filter(|series| !series.points.is_empty())
    }
}

/// How a series is drawn.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Marks {
    Points,
    /// Circles that are not filled.
    Hollow,
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

/// A plot as a part of a page, which gives it its colours and draws the points.
#[derive(Clone, Debug)]
pub(crate) struct InlinePlot {
    /// In the units of the drawing.
    pub width: u32,
    /// In the units of the drawing.
    pub height: u32,
    /// What goes between the tags of an SVG element: axes and lines.
    pub svg: String,
    /// The centre of each point, series by series; lines alone have none.
    pub points: Vec<(i32, i32)>,
}

/// A file that a plot can be written to, from the command line.
pub(crate) fn plot_file() -> impl TypedValueParser<Value = PathBuf> {
    PathBufValueParser::new().try_map(of_a_plot)
}

fn of_a_plot(path: PathBuf) -> Result<PathBuf, String> {
    match path.extension() {
        None => Ok(path),
        Some(_) if has_extension(&path, "svg") || has_extension(&path, "png") => Ok(path),
        Some(_) => Err("a file that ends in .svg or .png is expected".into()),
    }
}

fn has_extension(path: &Path, wanted: &str) -> bool {
    path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case(wanted))
}

impl Plot {
    /// Draws the plot into a file: PNG if its name ends so, else SVG.
    pub(crate) fn write(&self, path: &Path) -> Result<()> {
        if has_extension(path, "png") {
            let image = self.to_image()?;
            output_file::write_with(path, |file| image.write_png(file))
        } else {
            output_file::write(path, &self.to_svg()?)
        }
    }

    pub(crate) fn to_svg(&self) -> Result<String> {
        let mut svg = String::new();
        let style = draw::Style::alone(1);
        let root = SVGBackend::with_string(&mut svg, style.size).into_drawing_area();
        self.draw(&root, &style)?;
        drop(root);
        Ok(svg)
    }

    /// The same picture in pixels, twice as fine, since pixels do not grow.
    fn to_image(&self) -> Result<Image> {
        let style = draw::Style::alone(2);
        let (width, height) = style.size;
        let mut pixels = vec![0; width as usize * height as usize * 3];
        let root = BitMapBackend::with_buffer(&mut pixels, style.size).into_drawing_area();
        self.draw(&root, &style)?;
        drop(root);
        Ok(Image::new(width as usize, height as usize, pixels)?)
    }

    /// Axes and lines without title, names and background, for a page.
    pub(crate) fn to_inline(&self, width: u32, height: u32) -> Result<InlinePlot> {
        let mut svg = String::new();
        let style = draw::Style::inline(width, height);
        let root = SVGBackend::with_string(&mut svg, style.size).into_drawing_area();
        let points = self.draw(&root, &style)?;
        drop(root);
        let inner = svg
            .split_once('>')
            .and_then(|(_, rest)| rest.rsplit_once("</svg>"))
            .context("a drawing is an SVG element")?;
        Ok(InlinePlot { width, height, svg: inner.0.trim().to_owned(), points })
    }

    fn draw<DB: DrawingBackend>(
        &self,
        root: &DrawingArea<DB, plotters::coord::Shift>,
        style: &draw::Style,
    ) -> Result<Vec<(i32, i32)>> {
        let points = || self.series.iter().flat_map(|series| &series.points);
        let scales = self
            .x
            .scale(points().map(|point| point.x))
            .zip(self.y.scale(points().map(|point| point.y)))
            .with_context(|| format!("'{}' has no points to draw", self.title))?;
        draw::draw(self, root, style, scales)
            .map_err(|error| anyhow!("'{}' cannot be drawn: {error}", self.title))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plot(points: Vec<Point>) -> Plot {
        let series = Series { name: "nets".into(), points, marks: Marks::Both, color: 0 };
        let (x, y) = (Axis::logarithmic("ms"), Axis::linear("top-1"));
        Plot { title: "a & b".into(), x, y, series: vec![series] }
    }

    fn point(x: f64, name: &str) -> Point {
        Point { x, y: 70.0, name: name.into() }
    }

    #[test]
    fn names_of_points_are_in_the_picture() {
        let svg = plot(vec![point(1.0, "v2"), point(40.0, "v3 <large>")]).to_svg().unwrap();
        assert!(svg.contains("v2") && svg.contains("v3 &lt;large&gt;"), "{svg}");
    }

    #[test]
    fn a_plot_without_points_is_an_error() {
        assert!(plot(vec![]).to_svg().unwrap_err().to_string().contains("no points"));
    }

    #[test]
    fn files_of_other_kinds_are_refused() {
        for name in ["a.svg", "a.PNG", "/dev/stdout"] {
            assert_eq!(of_a_plot(name.into()), Ok(name.into()));
        }
        assert!(of_a_plot("a.pdf".into()).is_err());
    }

    #[test]
    fn pixels_show_what_was_drawn() {
        let image = plot(vec![point(1.0, "v2"), point(40.0, "v3")]).to_image().unwrap();
        let blue = image.pixels().chunks_exact(3).filter(|pixel| *pixel == [0, 114, 178]).count();
        let white = image.pixels().chunks_exact(3).filter(|pixel| *pixel == [255; 3]).count();
        assert!(blue > 100 && white > image.pixels().len() / 6, "{blue} and {white}");
    }

    #[test]
    fn a_part_of_a_page_has_no_element_of_its_own() {
        let inline = plot(vec![point(1.0, "v2"), point(40.0, "v3")]).to_inline(400, 300).unwrap();
        assert!(!inline.svg.contains("<svg") && !inline.svg.contains("http"), "{}", inline.svg);
        assert_eq!(inline.points.len(), 2);
        assert!(inline.points[0].0 < inline.points[1].0);
        assert!(inline.points.iter().all(|(x, y)| (0..400).contains(x) && (0..300).contains(y)));
    }
}
