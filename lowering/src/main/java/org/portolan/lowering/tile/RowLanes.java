package org.portolan.lowering.tile;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.portolan.ir.FragmentSpread;
import org.portolan.ir.Type;
import org.portolan.ir.Value;
import org.portolan.lowering.tile.Tensorize.Match;

/// How the sums of an instruction on fragments lie over the lanes of a warp, where each lane has the same places of some rows and
/// a team of neighbouring lanes has all of each: lane `l` holds the points `(l / team + rows[x], each * (l % team) + columns[y])`.
/// Then what stands between two products is done where the first one left its sums, and the second one takes it from there.
///
/// @param team the lanes that have a row between them
/// @param each how far the columns of neighbouring lanes lie apart
/// @param sums the register of row `x` and column `y`, as `registers[x][y]`
/// @param operand where each register of the second product's left operand comes from
record RowLanes(
        int team,
        long each,
        List<Long> rows,
        List<Long> columns,
        int[][] sums,
        List<Place> operand,
        long height,
        long width) {
    /// A row of a lane and a column, from where the operand begins.
    record Place(int row, long column) {}

    /// @param scores the product whose sums are rows of scores
    /// @param product the product that takes the weights as its left operand
    /// @param weight the parameter that these are
    static Optional<RowLanes> of(Match scores, Match product, Value weight) {
        var first = FragmentEmitter.fragment(scores, scores.addend().orElseThrow());
        var second = FragmentEmitter.fragment(product, product.addend().orElseThrow());
        var operand = FragmentEmitter.fragment(product, weight);
        return first.dims().equals(second.dims()) && first.spread().equals(second.spread())
                ? of(first).flatMap(lanes -> lanes.taking(operand))
                : Optional.empty();
    }

    private static Optional<RowLanes> of(Type.Fragment type) {
        var known = FragmentSpread.of(type);
        if (known.isEmpty() || type.dims().size() != 2) {
            return Optional.empty();
        }
        var spread = known.get();
        long[] origin = spread.index(0, 0);
        int team = 1;
        while (team < spread.lanes() && spread.index(team, 0)[0] == origin[0]) {
            team++;
        }
        long each = team == 1 ? 0 : spread.index(1, 0)[1] - origin[1];
        var rows = new ArrayList<Long>();
        var columns = new ArrayList<Long>();
        for (int register = 0; register < spread.registers(); register++) {
            var index = spread.index(0, register);
            if (!rows.contains(index[0])) {
                rows.add(index[0]);
            }
            if (!columns.contains(index[1])) {
                columns.add(index[1]);
            }
        }
        if (rows.size() * columns.size() != spread.registers() || Integer.bitCount(team) != 1) {
            return Optional.empty();
        }
        var sums = new int[rows.size()][columns.size()];
        for (int register = 0; register < spread.registers(); register++) {
            var index = spread.index(0, register);
            int row = rows.indexOf(index[0]);
            int column = columns.indexOf(index[1]);
            sums[row][column] = register;
            for (int lane = 0; lane < spread.lanes(); lane++) {
                var place = spread.index(lane, register);
                if (place[0] != lane / team + rows.get(row) || place[1] != each * (lane % team) + columns.get(column)) {
                    return Optional.empty();
                }
            }
        }
        long height = type.dims().getFirst().constant().orElseThrow();
        long width = type.dims().getLast().constant().orElseThrow();
        return Optional.of(new RowLanes(team, each, rows, columns, sums, List.of(), height, width));
    }

    /// With where the registers of an operand come from, if each lane has all that it needs of it.
    private Optional<RowLanes> taking(Type.Fragment operand) {
        var known = FragmentSpread.of(operand);
        if (known.isEmpty() || operand.dims().size() != 2) {
            return Optional.empty();
        }
        var spread = known.get();
        var places = new ArrayList<Place>();
        for (int register = 0; register < spread.registers(); register++) {
            Place found = null;
            for (int lane = 0; lane < spread.lanes(); lane++) {
                var index = spread.index(lane, register);
                var place = new Place(rows.indexOf(index[0] - lane / team), index[1] - each * (lane % team));
                boolean held = place.row() >= 0 && columns.contains(Math.floorMod(place.column(), width));
                if (!held || found != null && !found.equals(place)) {
                    return Optional.empty();
                }
                found = place;
            }
            places.add(found);
        }
        return Optional.of(new RowLanes(team, each, rows, columns, sums, places, height, width));
    }

    /// Whether neighbouring coordinates of a lane are as far apart as a position says: the first columns one after the other.
    boolean isEven() {
        for (int i = 0; i < columns.size(); i++) {
            if (columns.get(i) != i) {
                return false;
            }
        }
        return rows.size() < 2 || even(rows);
    }

    private static boolean even(List<Long> places) {
        for (int i = 0; i < places.size(); i++) {
            if (places.get(i) != i * places.get(1)) {
                return false;
            }
        }
        return true;
    }

    /// The coordinate of a column among those that a lane has of several fragments beside each other.
    int coordinate(long column) {
        return Math.toIntExact(column / width) * columns.size() + columns.indexOf(column % width);
    }
}
